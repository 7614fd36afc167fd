export type { CreditAdministration, NewGrant } from './accounting/credits.js';
export type { CreatedKey } from './accounting/keys.js';
export type { StoreChange } from './accounting/store-guard.js';
export { Cancellation } from './cancellation.js';
export type { BundledCatalog, BundledEndpoint } from './catalog/bundled.js';
export type { CatalogOptions } from './catalog/catalog.js';
export type { ModelOverride } from './catalog/model.js';
export type {
  CapabilityName,
  DataPolicy,
  Modality,
  ModelDeclaration,
  ModelDeclarationObject,
  ModelFacts,
  PriceDeclaration,
  PriceOverride,
  Pricing,
  RateName,
  ServiceTier,
} from './catalog/types.js';
export type { ChatStream } from './chat-stream.js';
export type { CancelTimer, Clock } from './clock.js';
export { systemClock } from './clock.js';
export type { ChatOptions } from './direct-chat.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export { GatewayError } from './errors.js';
export type { FailureDetails, FailureKind } from './failure.js';
export { Failure } from './failure.js';
export type { Gateway } from './gateway.js';
export { createGateway } from './gateway.js';
export type { GatewayOptions, GatewayTimeouts, Limits } from './gateway-options.js';
export { globMatcher } from './glob.js';
export type { ConfiguredKey } from './http/caller-directory.js';
export { locate } from './http/locate.js';
export type {
  CallerIdentity,
  CallerLimits,
  ClientSignal,
  HttpBody,
  HttpHandler,
  HttpRequest,
  HttpResponse,
  MaybeIdentity,
  Scope,
  ScopeName,
} from './http/types.js';
export type { KeyAdministration, KeyListOptions } from './key-administration.js';
export type { ChoiceEnd } from './providers/answer-chunks.js';
export { AnswerChunks } from './providers/answer-chunks.js';
export type { AnthropicOptions } from './providers/anthropic/provider.js';
export { anthropic } from './providers/anthropic/provider.js';
export type { CodecProvider, HeaderCredential } from './providers/define-provider.js';
export { defineProvider } from './providers/define-provider.js';
export { EventParser } from './providers/event-parser.js';
export { google } from './providers/google/provider.js';
export type { FunctionProvider, FunctionRequest, GeneratedStep } from './providers/in-process.js';
export {
  deepseek,
  fireworks,
  flo2,
  groq,
  mistral,
  ollama,
  openai,
  openrouter,
  perplexity,
  together,
  vllm,
  xai,
} from './providers/openai-compatible/presets.js';
export type { AzureOptions, OpenAiCompatibleOptions, PresetOptions } from './providers/openai-compatible/provider.js';
export { azure, openaiCompatible } from './providers/openai-compatible/provider.js';
export type { ProviderOptions } from './providers/provider-options.js';
export type {
  Adjustment,
  CallContext,
  CallTarget,
  DecodedAnswer,
  EventReader,
  ModelDiscovery,
  Provider,
  ProviderCodec,
  SendOptions,
  StreamDecoder,
  Transport,
  TransportSettings,
  Unsuitable,
  UpstreamAnswer,
  UpstreamHeaders,
  UpstreamRefusal,
  UpstreamRequest,
  UsageReport,
} from './providers/types.js';
export type { Random } from './random.js';
export type { CircuitState } from './routing/circuit.js';
export type { DrainLimits } from './routing/drains.js';
export type { HealthChange, UnitHealth } from './routing/health.js';
export type { RoutingPolicy, Timeouts } from './routing/types.js';
export type { ServerSentEvent } from './sse/types.js';
export type { AccountRow, HoldRow, LedgerBook, LedgerRow, SpenderRow } from './stores/ledger-rules.js';
export * as ledgerRules from './stores/ledger-rules.js';
export type { MemoryStoreOptions } from './stores/memory.js';
export { memoryStore } from './stores/memory.js';
export type { RateRow } from './stores/rate-rules.js';
export { correctRate, takeRate } from './stores/rate-rules.js';
export type * from './stores/types.js';
export type { Windows } from './stores/windows.js';
export { windowsOf } from './stores/windows.js';
export { defineTransform } from './transforms/define-transform.js';
export { middleOut } from './transforms/middle-out.js';
export type { RedactOptions } from './transforms/redact.js';
export { redact } from './transforms/redact.js';
export type { ResponseFilterOptions, ResponseFilterRule } from './transforms/response-filter.js';
export { responseFilter } from './transforms/response-filter.js';
export { responseHealing } from './transforms/response-healing.js';
export type {
  DecideRouting,
  RoutingChange,
  RoutingCondition,
  RoutingFacts,
  RoutingRule,
  RoutingRulesOptions,
} from './transforms/routing-rules.js';
export { routingRules } from './transforms/routing-rules.js';
export type { SystemPromptOptions } from './transforms/system-prompt.js';
export { systemPrompt } from './transforms/system-prompt.js';
export type { DetectorName } from './transforms/text/detectors.js';
export type {
  ChunkStage,
  NoOptions,
  RouteCandidate,
  Transform,
  TransformContext,
  TransformEntry,
  TransformUse,
} from './transforms/types.js';
export type * from './wire/account.js';
export type { Accumulated } from './wire/accumulate.js';
export { accumulate } from './wire/accumulate.js';
export type * from './wire/chat.js';
export type { ModelEntry } from './wire/models.js';
export type { ExplainedCandidate, Explanation, PipelineStep, RoutingMetadata } from './wire/routing-metadata.js';
