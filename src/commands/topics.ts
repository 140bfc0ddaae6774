/** What one word stands for that is no command itself: `lab`, `state`. */
export const topics: Readonly<Record<string, string>> = {
  lab: 'Hosts and a load balancer of its own on this machine, for trying and for tests.',
  state: 'What deployctl has recorded about an environment.',
};
