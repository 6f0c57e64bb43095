export { AskModule } from './ask.module.js';
