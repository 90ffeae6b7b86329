import type { RouteConfig } from './config/config.ts';
import { type Denial, deny } from './denial.ts';

/** A request whose route is known. */
export type Routed = { readonly beganNs: bigint; readonly route: { readonly config: Pick<RouteConfig, 'timeoutMs'> } };

/** Of the `timeout` of its route, in milliseconds. */
export function timeLeftMs({ beganNs, route }: Routed, nowNs: () => bigint): number {
  return route.config.timeoutMs - Number(nowNs() - beganNs) / 1e6;
}

/** It was over inside the answer. */
export const answerTooLate: Denial = deny('upstream-timeout', {
  detail: 'the response was not complete within the time of the route',
});
