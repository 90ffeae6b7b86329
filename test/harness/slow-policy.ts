import { clientId } from './proxy.ts';

/**
 * THREATS 1.7: a 10,000 x 10,000 comprehension blocks WebAssembly for 12.5 s, and nothing inside can interrupt it. This
 * one needs no memory, whose limit would end it earlier; `?n=` says how many steps, squared.
 */
export const quadraticPolicy = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if {
	input.attributes.source.principal == "${clientId}"
	not slow
}

slow if {
	n := to_number(input.parsed_query.n[0])
	xs := numbers.range(1, n)
	ys := numbers.range(-n, -1)
	some x in xs
	some y in ys
	x == y
}
`;
