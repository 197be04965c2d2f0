// The page of the browser platforms: loads one graph on one provider, runs it, says where it ran.
// Tensors come and go as raw bytes over HTTP; what is small goes through the caller's evaluate.
import * as ort from './ort/ort.jspi.min.mjs';

ort.env.wasm.wasmPaths = new URL('./ort/', location.href).href;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'info';

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, float16: Uint16Array, bool: Uint8Array, int8: Int8Array,
  uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array,
  int64: BigInt64Array, uint64: BigUint64Array,
};
const refusals = [];  // what the graph builder of WebNN really said
let session = null, anchor = null;

function listen(builder) {
  for (const name of Object.getOwnPropertyNames(builder)) {
    const own = Object.getOwnPropertyDescriptor(builder, name).value;
    if (name === 'constructor' || typeof own !== 'function') continue;
    builder[name] = function (...given) {
      const note = (error) => { refusals.push(`${name}: ${error.message}`); throw error; };
      try {
        const made = own.apply(this, given);
        return made instanceof Promise ? made.catch(note) : made;
      } catch (error) { return note(error); }
    };
  }
}
if (globalThis.MLGraphBuilder) listen(MLGraphBuilder.prototype);

async function bytes(name) {
  const answer = await fetch(name, {cache: 'no-store'});
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.arrayBuffer();
}

async function opened(provider, model, more) {
  refusals.length = 0;
  const graph = new Uint8Array(await bytes(model));
  try {
    return await ort.InferenceSession.create(graph, {executionProviders: [provider], ...more});
  } catch (error) {  // the runtime only says "unreachable" where the graph builder refused
    throw new Error([...refusals.slice(0, 1), error.message].join(' | '));
  }
}

globalThis.archsweep = {
  async adapter() {
    const found = await navigator.gpu?.requestAdapter();
    if (!found) return null;
    const {vendor, architecture, device, description} = found.info;
    const software = found.info.isFallbackAdapter ?? found.isFallbackAdapter ?? false;
    return {vendor, architecture, device, description, software, half: found.features.has('shader-f16')};
  },
  async network() {
    if (!navigator.ml) return 'navigator.ml is missing';
    try { await navigator.ml.createContext({deviceType: 'cpu'}); return ''; } catch (error) { return error.message; }
  },
  // A session that stays: without one the device, and the shaders that it has compiled, would go with every graph.
  async moor(provider, model) {
    anchor = await opened(provider, model, {});
  },
  async load(provider, model) {
    await session?.release();
    session = null;
    said.length = 0;
    session = await opened(provider, model, {enableProfiling: true, logSeverityLevel: 1});
    return {inputs: session.inputNames, outputs: session.outputNames, said: said.filter((line) => line.includes('number of nodes'))};
  },
  async run(name, described, target) {
    const given = await bytes(name);
    const feeds = {};
    for (const {name, type, dims, offset, length} of described) {
      const part = given.slice(offset, offset + length);
      feeds[name] = new ort.Tensor(type, new ARRAYS[type](part), dims);
    }
    const found = await session.run(feeds);
    const parts = [], told = [];
    for (const name of session.outputNames) {
      const {type, dims} = found[name], data = await found[name].getData();
      parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      told.push({name, type, dims, length: data.byteLength});
      found[name].dispose();
    }
    await fetch(target, {method: 'POST', body: new Blob(parts)});
    return told;
  },
  profile() {
    said.length = 0;
    session.endProfiling();
    return said.join('\n');
  },
};
document.title = 'ready';
