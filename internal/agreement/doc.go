// Package agreement holds only tests: it asks the rule (internal/passcode) what
// Zoom will do, lets the simulator (internal/zoomsim) do it, and demands that
// the two, written independently from Zoom's documents, agree everywhere that
// these documents leave no case open. It also holds the page of Zoom's facts,
// docs/zoom-facts.md, to its form and every citation to that page.
package agreement
