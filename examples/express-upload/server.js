/*
 * An endpoint that classifies an uploaded face:
 *
 *   npm install && npm start
 *   curl -F image=@face.jpg http://127.0.0.1:3000/emotion
 *
 * PORT chooses the port. The picture is only kept in memory while it is processed.
 */
import express from 'express';
import { createClassifier, FerError } from 'fer-dcnn';
import multer from 'multer';

/** Errors in the request are the client's (4xx); all others are ours (5xx). */
const STATUS = { INPUT: 400, DECODE: 415, CHANNELS: 415, TOO_LARGE: 413 };

const classifier = createClassifier();
// Loaded before the first request, so that a server that cannot answer does not start.
await classifier.load();

const upload = multer({ storage: multer.memoryStorage(), limits: { fileSize: 10e6, files: 1, fields: 0, parts: 1 } });
const app = express();
app.disable('x-powered-by');

app.post('/emotion', upload.single('image'), async (request, response) => {
  if (request.file === undefined) throw new FerError('INPUT', 'send one picture, as the field "image" of a form');
  // A small file may decode to many pixels.
  response.json(await classifier.classify(request.file.buffer, { maxPixels: 25e6 }));
});

app.use((error, _request, response, next) => {
  if (response.headersSent) return next(error);
  if (error instanceof FerError && error.code in STATUS) {
    return response.status(STATUS[error.code]).json({ code: error.code, message: error.message });
  }
  if (error instanceof multer.MulterError) {
    const status = error.code === 'LIMIT_FILE_SIZE' ? 413 : 400;
    return response.status(status).json({ code: error.code, message: error.message });
  }
  console.error(error);
  response.status(500).json({ code: 'INTERNAL', message: 'this server failed: see its log' });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/emotion`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => classifier.dispose()));
