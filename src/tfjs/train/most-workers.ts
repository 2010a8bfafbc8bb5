/** Most threads of a training: each takes about 100 MB, and running out of memory ends the process. */
export const MOST_WORKERS = 128;
