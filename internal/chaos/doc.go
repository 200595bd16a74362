// Package chaos runs latchkey as real processes on a real NATS cluster and a real
// Postgres, kills and cuts them off at random, and then judges whether anything was
// lost. docs/reliability.md says how to run it and what it showed.
//
// The rig (rig.go) is two ingests, three workers, three nats-servers and one
// Postgres, all processes (process.go) that are joined by links (link.go): proxies
// that can be cut, torn, slow or silent. The simulated Zoom is part of the driver and
// is never killed, since its world is the truth that the judge needs; its links are
// harmed instead. It sends webhooks through a balancer that keeps a ledger of every
// answer (ledger.go). The plan (plan.go) of what is done to whom follows from the seed
// alone; when exactly it hits does not. The world (world.go) changes meanwhile. At the
// end everything is healed, and the judge (judge*.go) looks from outside: by SQL, by
// the streams, by what the processes leave.
package chaos
