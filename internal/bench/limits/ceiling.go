package limits

// How often each byte of a record is handled at the least, when it is produced with three
// copies and the client and all nodes are on one machine.
const (
	// One copy into the client's batch. Brokers can pass on what they have received.
	copied = 1
	// From the client to the leader, and from there to two followers.
	transferred = 3
	// By the client, and by each node before it believes what it got.
	summed = 1 + copies
	// Into the page cache by each node.
	written = copies
)

// Ceiling is how much could be produced to three nodes on this machine, with the client on
// it too, in MB/s (10⁶ bytes) of records without compression. 0: not known.
type Ceiling struct {
	// Unsynced is where all cores do nothing but handle bytes. What each byte costs of a
	// core's time is the sum of a copy, three times through TCP (both ends), four
	// checksums and three appends; that much fits into a second of all cores. There is
	// no request, no batch and no index in it, so that nothing reaches it.
	Unsynced float64 `json:"unsynced"`
	// Synced is where the disk holds three copies before a record is acknowledged: a
	// third of what three files took, unless the cores end it before.
	Synced float64 `json:"synced"`
}

func ceiling(l Limits) Ceiling {
	costs := []struct{ times, nanosPerByte float64 }{
		{copied, 1 / l.Copy.One},
		{transferred, l.TCP.NanosPerByte},
		{summed, 1 / l.CRC.One},
		{written, l.Files.AppendNanosPerByte},
	}
	sum := 0.0
	for _, c := range costs {
		if c.nanosPerByte <= 0 {
			return Ceiling{}
		}
		sum += c.times * c.nanosPerByte
	}
	unsynced := 1000 * float64(l.Cores) / sum
	return Ceiling{Unsynced: unsynced, Synced: min(unsynced, l.Files.LargeThree.MBPerSecond/copies)}
}
