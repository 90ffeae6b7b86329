import { createHash, createHmac } from 'node:crypto';
import { bytesOf } from '../value/bytes.ts';
import { wholeOf } from '../value/decimal.ts';
import { insert, keysOf, member, objectOf } from '../value/object.ts';
import { compareStrings, sortedEntries } from '../value/order.ts';
import { isObject, type NumberValue, type ObjectValue, RegoDecimal, type Value } from '../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from './builtin.ts';
import { marshal } from './json/json.ts';
import { number, object } from './operands.ts';
import { percentDecode, percentEncode } from './uri/percent-encoding.ts';
import { parseUri } from './uri/uri.ts';
import { uriPartsOf } from './uri/parts.ts';

/*
 * AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
 * The time is an operand, so this is a function of the operands like any other.
 */

/** Proxies may change them on the way, so they are not signed. */
const unsignedHeaders = new Set(['authorization', 'user-agent', 'x-amzn-trace-id']);
const servicesWithPayloadHash = new Set(['s3', 'glacier']);
const unsignedPayload = 'UNSIGNED-PAYLOAD';

/** What OPA lets a request have: the parameters of `http.send`. */
const requestParameters = new Set(
  `method url body enable_redirect force_json_decode force_yaml_decode headers raw_body tls_use_system_certs tls_ca_cert
  tls_ca_cert_file tls_ca_cert_env_variable tls_client_cert tls_client_cert_file tls_client_cert_env_variable
  tls_client_key tls_client_key_file tls_client_key_env_variable tls_insecure_skip_verify tls_server_name timeout cache
  force_cache force_cache_duration_seconds raise_error caching_mode max_retry_attempts cache_ignored_headers`.split(
    /\s+/,
  ),
);

type Config = {
  readonly service: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly sessionToken: string;
  readonly signsPayload: boolean;
};

type Headers = ReadonlyMap<string, string>;

const signRequest: Builtin = (_context, request, config, timeNs) => {
  const parts = object(request, 1);
  for (const name of keysOf(parts)) {
    if (typeof name !== 'string' || !requestParameters.has(name)) throw new BuiltinError('invalid request parameter');
  }
  const credentials = readConfig(object(config, 2));
  const time = timestampOf(number(timeNs, 3));
  const own = headersOf(parts);
  const hash = credentials.signsPayload ? sha256(bodyOf(parts)) : unsignedPayload;
  const url = urlOf(requiredText(parts, 'url'));
  const added = addedHeaders(credentials, url.host, time, hash);
  const signed = new Map([...added, ...lowerCased(own)]);
  const authorization = authorize(
    credentials,
    time,
    signed,
    [requiredText(parts, 'method'), url.path, url.query],
    hash,
  );
  const headers = objectOf([...own, ['Authorization', authorization], ...added]);
  return insert(objectOf(sortedEntries(parts)), 'headers', headers);
};

function readConfig(config: ObjectValue): Config {
  // Null is a value, and not one of these.
  const disabled = member(config, 'disable_payload_signing');
  if (disabled !== undefined && typeof disabled !== 'boolean')
    throw new BuiltinError("invalid value for 'disable_payload_signing' in AWS config");
  const token = member(config, 'aws_session_token');
  return {
    service: requiredText(config, 'aws_service'),
    accessKey: requiredText(config, 'aws_access_key'),
    secretKey: requiredText(config, 'aws_secret_access_key'),
    region: requiredText(config, 'aws_region'),
    sessionToken: typeof token === 'string' ? token : '',
    signsPayload: disabled !== true,
  };
}

function requiredText(of: ObjectValue, name: string): string {
  const value = member(of, name);
  if (typeof value !== 'string') throw new BuiltinError(`missing or invalid parameter ${name}`);
  return value;
}

/** `20151228T140825Z`. */
function timestampOf(timeNs: NumberValue): string {
  const ns = timeNs instanceof RegoDecimal ? undefined : wholeOf(timeNs);
  if (ns === undefined || ns < 0n || ns >= 2n ** 63n) {
    throw new BuiltinError('could not convert time_ns value into a unix timestamp');
  }
  const date = new Date(Number(ns / 1_000_000n));
  return date.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function headersOf(request: ObjectValue): readonly (readonly [string, string])[] {
  const headers = member(request, 'headers');
  if (headers === undefined) return [];
  if (!isObject(headers)) throw new BuiltinError('headers must be an object');
  return sortedEntries(headers).map(([name, value]) => [textOrEmpty(name), textOrEmpty(value)]);
}

const textOrEmpty = (value: Value): string => (typeof value === 'string' ? value : '');

const lowerCased = (headers: Iterable<readonly [string, string]>): [string, string][] =>
  [...headers]
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => !unsignedHeaders.has(name));

function bodyOf(request: ObjectValue): Buffer {
  const raw = member(request, 'raw_body');
  if (raw !== undefined) return bytesOf(textOrEmpty(raw));
  const body = member(request, 'body');
  return bytesOf(body === undefined ? '' : marshal(body));
}

function urlOf(url: string): { readonly host: string; readonly path: string; readonly query: string } {
  const { path, raw_query } = parseUri(url);
  const written = uriPartsOf(url);
  // As it is written, where that is a valid encoding.
  const isEncoded = !/[^A-Za-z0-9\-._~!$&'()*+,;=:@/[\]%]|%(?![0-9a-fA-F]{2})/.test(written.path);
  return {
    host: percentDecode(written.host),
    path: isEncoded ? written.path : percentEncode(path, /[-_.~$&+,/:;=@]/),
    query: raw_query,
  };
}

function addedHeaders({ service, sessionToken }: Config, host: string, time: string, hash: string): Headers {
  const headers = new Map([
    ['host', host],
    ['x-amz-date', time],
  ]);
  if (servicesWithPayloadHash.has(service)) headers.set('x-amz-content-sha256', hash);
  if (sessionToken !== '') headers.set('x-amz-security-token', sessionToken);
  return headers;
}

function authorize(
  { service, region, accessKey, secretKey }: Config,
  time: string,
  headers: Headers,
  requestLine: readonly [method: string, path: string, query: string],
  payloadHash: string,
): string {
  const sorted = [...headers].sort(([a], [b]) => compareStrings(a, b));
  const names = sorted.map(([name]) => name).join(';');
  const lines = sorted.map(([name, value]) => `${name}:${value}`);
  const canonical = [...requestLine, ...lines, '', names, payloadHash].join('\n');
  const date = time.slice(0, 8);
  const scope = [date, region, service, 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(bytesOf(canonical))].join('\n');
  const key = scope.reduce(hmac, bytesOf(`AWS4${secretKey}`));
  const signature = hmac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope.join('/')},SignedHeaders=${names},Signature=${signature}`;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const hmac = (key: Buffer, message: string): Buffer => createHmac('sha256', key).update(bytesOf(message)).digest();

export const awsBuiltins: Builtins = { 'providers.aws.sign_req': signRequest };
