package explore

// brokers is how many there are, each with a replica of the one partition.
const brokers = 3

// Bounds say how much may happen. Within them everything does, in every order.
type Bounds struct {
	Records int // that clients send
	Crashes int // of processes and machines
	// Losses is how many of the crashes lose data: the disk is emptied, or power is
	// lost with records unsynced.
	Losses    int
	Elections int // how often the controller fences a broker
	Changes   int // of the in-sync set
	Configs   int // changes of min.insync.replicas
	// Delays is how often something that is due does not happen at once, but at any
	// time later (package comment).
	Delays int
	// Breaks is how often a follower's connection is replaced while both ends run.
	Breaks int
	// InFlight is how many messages are on their way from one broker to another.
	InFlight  int
	MinInsync int // min.insync.replicas at the start
	// Relaxed: flush.messages lets records be acknowledged before they are synced.
	Relaxed bool

	// Cold: everything begins when the brokers have just learned of the partition,
	// not when its followers have caught up with its leader.
	Cold bool

	// States and Bytes (of memory) end the search before it is complete.
	States int
	Bytes  uint64
}

// Small is the case that is searched unless something else is asked for.
func Small() Bounds {
	return Bounds{
		Records: 3, Crashes: 2, Losses: 1, Elections: 2, Changes: 2, Configs: 1, Delays: 2, Breaks: 1,
		InFlight: 1, MinInsync: 2, States: 1_000_000, Bytes: 8 << 30,
	}
}
