import { gets } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

export const rules: Scenario = {
  name: 'rules',
  summary: 'GET over 32 connections with 10 to 10,000 rules, for those who have rules',
  peers: ['portcullis', 'envoy-native', 'envoy-opa'],
  sideBySide: true,
  cases: () => ({
    cases: [10, 100, 1000, 10_000].map((count) => ({
      name: `${count} rules`,
      wanted: { rules: count },
      open: closedLoop(32, gets(count)),
    })),
    notes: [],
  }),
};
