// Package result is what a benchmark has found: the figures of one run, how they went
// over time, and the run's circumstances. It is data: JSON, and nothing that measures.
package result

import "time"

// Result is one run against one cluster.
type Result struct {
	Name     string            `json:"name"` // of what was measured, such as "produce"
	Started  time.Time         `json:"started"`
	Seconds  float64           `json:"seconds"`            // measured, without the warm-up
	WarmUp   float64           `json:"warmUp"`             // seconds before
	Settings map[string]string `json:"settings"`           // every flag as it was used
	Machine  Machine           `json:"machine"`            // of the clients
	Cluster  Cluster           `json:"cluster"`            // as it describes itself
	Sides    []Side            `json:"sides"`              // produce, consume, end-to-end: those that there were
	Verified *Verified         `json:"verified,omitempty"` // nil: nothing was read back
	Required []Requirement     `json:"required,omitempty"`
}

// Machine is where the clients ran.
type Machine struct {
	CPU       string `json:"cpu"`
	Cores     int    `json:"cores"`
	Kernel    string `json:"kernel"`
	LoadStart string `json:"loadStart"` // load averages over 1, 5 and 15 minutes
	LoadEnd   string `json:"loadEnd"`
}

// Cluster is what was measured.
type Cluster struct {
	ID          string `json:"id"`
	Brokers     int    `json:"brokers"`
	Topic       string `json:"topic"`
	Partitions  int    `json:"partitions"`
	Replication int    `json:"replication"`
}

// Side is one direction of the traffic.
type Side struct {
	Name    string           `json:"name"` // produce, consume or end-to-end
	Records int64            `json:"records"`
	Bytes   int64            `json:"bytes"`            // of keys and values, before any codec
	Errors  map[string]int64 `json:"errors,omitempty"` // by kind, a record each
	// Latency of each record that was acknowledged: from when it was due to be sent
	// where there is a fixed rate (so that a stall counts for all whom it held up),
	// else from when it was handed to the client.
	Latency Latency `json:"latency"`
	// Over is one point a second of the measured time, the first for its first second.
	Over []Point `json:"over"`
}

// Rate is records a second.
func (s *Side) Rate(seconds float64) float64 { return float64(s.Records) / seconds }

// Latency is in milliseconds; all 0 where nothing was measured.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	// Buckets is the whole distribution: how many took up to so many milliseconds, and
	// more than the bucket before.
	Buckets []Bucket `json:"buckets"`
}

// Bucket is a bar of a histogram.
type Bucket struct {
	To    float64 `json:"to"` // milliseconds, inclusive
	Count int64   `json:"count"`
}

// Point is a second.
type Point struct {
	Records int64   `json:"records"`
	Bytes   int64   `json:"bytes"`
	Errors  int64   `json:"errors"`
	P50     float64 `json:"p50"` // of the records acknowledged in it, milliseconds
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

// Verified is what was read back.
type Verified struct {
	Acknowledged int64   `json:"acknowledged"`
	Read         int64   `json:"read"`
	Missing      int64   `json:"missing"`    // acknowledged, and not there
	Duplicated   int64   `json:"duplicated"` // there more than once
	Damaged      int64   `json:"damaged"`    // not what was sent
	Seconds      float64 `json:"seconds"`
}

// Requirement is one condition of --require.
type Requirement struct {
	Text  string  `json:"text"` // as it was given, such as "p99<=100ms"
	Value float64 `json:"value"`
	Held  bool    `json:"held"`
}
