// Package membership makes a node one of a cluster: it registers the broker, keeps
// its lease with heartbeats and has it leave in order (Member); it takes commands to
// whichever node decides them (Router); and where this node leads the metadata
// quorum, it watches over the others and runs elections (Office). What is decided is
// decided in packages controller and replica; this is the shell around it that the
// simulator has in internal/sim/duties.go.
//
//	broker                                  active controller
//	Member  ── heartbeat ─────────────────▶ Office ── Confirm ── controller.Supervisor
//	        ◀── answer: lease, fenced ─────
//	Member  ◀── question ────────────────── Office (an election)
//	        ── answer ────────────────────▶
//	Router  ── command ───────────────────▶ quorum.Submit
//	        ◀── result, index of the image ─
//
// What goes between nodes is JSON: it is little, a newer build may add to it, and a
// person can read it in a capture. Everything may be lost, and is sent again by who
// still needs it.
//
// # Goroutines and locks
//
// Member.Run owns those of heartbeats, answers and proposals. Office is driven by
// who calls it, and by its alarm; its lock is held for what a Supervisor does, never
// while something is waited for. Each lock here is a leaf but for the quorum's and the
// network's queues, which never block.
package membership
