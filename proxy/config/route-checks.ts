import type { Complain } from './checks.ts';
import type { Draft } from './draft.ts';
import type { Settings } from './options.ts';
import { parseTemplate, templateKey } from './route-template.ts';

type Routes = Draft<Settings['routes']>;
type Route = NonNullable<Routes[number]>;

export function checkRoutes(routes: Routes, maxResponse: number | undefined, complain: Complain): void {
  checkNames(routes, complain);
  checkOverlap(routes, complain);
  routes.forEach((route, index) => {
    if (route === undefined) return;
    const here: Complain = (path, ...rest) => complain(['routes', index, ...path], ...rest);
    checkBody(route, here);
    checkQuota(route, here);
    checkResponse(route, maxResponse, here);
  });
}

function checkNames(routes: Routes, complain: Complain): void {
  const names = routes.map((route) => route?.name);
  names.forEach((name, index) => {
    const first = names.indexOf(name);
    if (name === undefined || first === index) return;
    complain(['routes', index, 'name'], `\`${name}\` is the name of routes[${first}] already`);
  });
}

/** Of two routes that take the same method and the same paths, one could never match: which is a guess. */
function checkOverlap(routes: Routes, complain: Complain): void {
  const owners = new Map<string, number>();
  routes.forEach((route, index) => {
    if (route?.path === undefined) return;
    const key = templateKey(parseTemplate(route.path));
    for (const method of new Set(route.methods)) {
      if (method === undefined) continue;
      const owner = owners.get(`${method} ${key}`);
      if (owner === undefined) owners.set(`${method} ${key}`, index);
      else complain(['routes', index, 'path'], `${method} ${route.path} matches the same requests as routes[${owner}]`);
    }
  });
}

/** RFC 9110 section 9.3.1: content in a GET or HEAD has no meaning, and some servers take it for the next request. */
function checkBody({ body, max_body: cap, methods }: Route, complain: Complain): void {
  if (body === 'none' && cap !== undefined) {
    complain(['max_body'], 'this route takes no body', {
      allowed: 'only beside `body: stream` or `body` with schemas',
    });
  }
  const without = methods?.find((method) => method === 'GET' || method === 'HEAD');
  if (!(body instanceof Map) || without === undefined) return;
  complain(['body'], `a ${without} request has no body to validate`, {
    allowed: '`none`, `stream`; or split the route and validate POST, PUT, PATCH or DELETE',
  });
}

function checkQuota({ quota }: Route, complain: Complain): void {
  const { burst, requests } = quota ?? {};
  if (burst === undefined || requests === undefined || burst <= requests) return;
  complain(
    ['quota', 'burst'],
    `${burst} at once is more than the ${requests} that \`requests\` allows in the whole period`,
  );
}

function checkResponse(
  { response, max_response: cap }: Route,
  maxResponse: number | undefined,
  complain: Complain,
): void {
  if (response === undefined || cap === undefined || maxResponse === undefined || cap <= maxResponse) return;
  complain(['max_response'], 'is more than `workload.max_response`, so it would never take effect');
}
