import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';

/** A method as a gRPC library wants it described, client and server alike. */
export type GrpcMethod<Request, Answer> = {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly requestDeserialize: (bytes: Uint8Array) => Request;
  readonly responseSerialize: (answer: Answer) => Buffer;
  readonly responseDeserialize: (bytes: Uint8Array) => Answer;
};

type Described<Request extends DescMessage, Answer extends DescMessage> = DescMethod & {
  readonly input: Request;
  readonly output: Answer;
};

/** What cannot be read is an Error thrown by `requestDeserialize` or `responseDeserialize`. */
export function grpcMethod<Request extends DescMessage, Answer extends DescMessage>({
  parent,
  name,
  methodKind,
  input,
  output,
}: Described<Request, Answer>): GrpcMethod<MessageShape<Request>, MessageShape<Answer>> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (request) => Buffer.from(toBinary(input, request)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (answer) => Buffer.from(toBinary(output, answer)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

export function message<Schema extends DescMessage>(
  schema: Schema,
  fields: MessageInitShape<Schema>,
): MessageShape<Schema> {
  return create(schema, fields);
}

/** As Envoy wants its resources: any message, with the name of its type. */
export function packed<Schema extends DescMessage>(schema: Schema, fields: MessageInitShape<Schema>): Any {
  return anyPack(schema, create(schema, fields));
}
