// A process of its own in which one model runs: a run keeps its thread busy, and native code that crashes or takes too
// much memory must not take the service with it. It sees no secret: it is started with an empty environment.
import type { LocalModel } from './local-model.js';
import type { ModelReply, ModelTask } from './model-messages.js';
import { OnnxModel } from './onnx-model.js';

// the parent decides when this process ends; a Ctrl-C in a terminal reaches both
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit());

const [model = '{}'] = process.argv.slice(2);
try {
  const loaded = await OnnxModel.load(JSON.parse(model) as LocalModel);
  process.on('message', (task: ModelTask) => {
    void answer(loaded, task).then(reply);
  });
  reply({ isReady: true });
} catch (error) {
  reply(failureOf(error));
}

async function answer(loaded: OnnxModel, task: ModelTask): Promise<ModelReply> {
  try {
    return 'texts' in task
      ? { vectors: await loaded.embed(task.texts) }
      : { scores: await loaded.score(task.pairs) };
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): ModelReply {
  return { failure: error instanceof Error ? error.message : String(error) };
}

function reply(message: ModelReply): void {
  process.send?.(message);
}
