/**
 * The thread in which HashiCorp's parser runs: it needs a deep stack, may take seconds, may run out of memory,
 * and changes settings of the process it is loaded into. One question a message, one answer a message.
 */
import { parentPort } from 'node:worker_threads';
import { askHashicorp } from './hashicorp.ts';

parentPort?.on('message', (text: string) => {
  parentPort?.postMessage(askHashicorp(text));
});
