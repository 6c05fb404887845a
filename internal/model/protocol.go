package model

// Protocol is a version of the protocol between nodes (package peer). Two nodes speak
// the highest that both know. What came with a later one is not sent to the other.
type Protocol uint16

// The versions. 1 is release 0.1's.
const (
	Protocol1 Protocol = 1
	// Protocol2: a broker's registration says which metadata versions it supports, and
	// there is the command UpdateFeatures.
	Protocol2 Protocol = 2
)

// OldestProtocol is the first version that this build still speaks, and NewestProtocol
// the last.
const (
	OldestProtocol = Protocol1
	NewestProtocol = Protocol2
)
