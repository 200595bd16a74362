// Package zoomsim is a simulated Zoom: an HTTP server that speaks Zoom's
// OAuth, users, settings, groups, accounts and meetings calls, applies Zoom's
// own rules on who decides about a passcode, and signs and sends webhooks.
//
// It is an independent reading of Zoom's documents (docs/zoom-facts.md and Zoom's 46
// security scenarios): it shares no code with the rest of latchkey, so the two
// can be held against each other. Where Zoom's documents leave a case open the
// simulator chooses one behaviour and docs/simulator.md lists it.
//
// # Reading order
//
//   - rule.go, documents.go: Decide, the pure rule of create and update, in two worlds
//   - keys.go, fields.go, levels.go: settings, their JSON paths, who wins
//   - world.go, meetings.go, dates.go, room.go, waitingroom.go, change.go,
//     retroactive.go: the state and what changes it
//   - directory.go: how it finds users and groups without looking at all of them
//   - http*.go, oauth.go, limits.go, spend.go: the API; inprocess.go, gate.go: without a socket
//   - events.go, deliver.go, attempt.go, delivery.go: webhooks
//   - actions*.go, people.go, userchange.go, schedulefor.go, webinar.go, app.go,
//     leave.go, deauthorize.go: what people do
//   - fault.go, malice.go: hostility on request and at random
//   - history.go, tally.go: what there was
//   - control.go: the /_sim/ API
package zoomsim
