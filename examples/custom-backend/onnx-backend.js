import { FerError } from 'fer-dcnn';
import { toOnnx } from 'fer-dcnn/node';
import { loadPretrained } from 'fer-dcnn/weights';

/** Runs the pretrained network in ONNX Runtime's native library. */
export function onnxBackend() {
  let ort;
  return {
    name: 'onnx',
    // The backend for tensors: training, and all models except the pretrained one.
    tfjsName: 'wasm',

    async start() {
      // Imported here, so that registering the backend does not need ONNX Runtime.
      ort = await import('onnxruntime-node').catch((cause) => {
        throw new FerError('PACKAGE_MISSING', 'backend onnx needs a package: npm install onnxruntime-node', { cause });
      });
    },

    async pretrained() {
      const model = await loadPretrained();
      const network = await toOnnx(model);
      model.dispose();
      const session = await ort.InferenceSession.create(network);
      const [input] = session.inputNames;
      const [output] = session.outputNames;
      return {
        async predict(inputs, n) {
          const answers = await session.run({ [input]: new ort.Tensor('float32', inputs, [n, 32, 32, 1]) });
          return answers[output].data;
        },
        dispose: () => void session.release(),
      };
    },
  };
}
