export { storeAt } from './store-at.js';
