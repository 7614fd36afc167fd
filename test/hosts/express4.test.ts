import express4 from 'express4';
import { describeHost } from './describe-host.js';
import { expressKind } from './express-kind.js';

describeHost(expressKind('Express 4', express4));
