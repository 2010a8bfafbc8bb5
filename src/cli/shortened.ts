/** Text of up to 2,000 characters, or its beginning: the word of a command line may be longer than any reader wants. */
export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

const LONGEST = 2000;
