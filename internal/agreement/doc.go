// Package agreement holds only tests: it asks the rule (internal/passcode) what
// Zoom will do, lets the simulator (internal/zoomsim) do it, and demands that
// the two, written independently from Zoom's documents, agree everywhere that
// these documents leave no case open.
package agreement
