package report

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
)

// sample is a result with everything in it, as long as asked for; the same each time.
func sample(name string, seconds int) result.Result {
	r := rand.New(rand.NewPCG(1, uint64(seconds)))
	over := result.Result{
		Name: name, Started: time.Date(2026, 11, 27, 14, 3, 5, 0, time.UTC), Seconds: float64(seconds), WarmUp: 5,
		Settings: map[string]string{"rate": "0", "record-size": "1024", "acks": "all", "topic": "bench-1", "partitions": "12", "key": ""},
		Machine:  sampleMachine(),
		Cluster:  result.Cluster{ID: "Xm2k9QpLTQ2yJrXkqR0b1A", Brokers: 3, Topic: "bench-1", Partitions: 12, Replication: 3},
		Verified: &result.Verified{Acknowledged: 5_400_000, Read: 5_400_000, Seconds: 6.2},
		Required: []result.Requirement{{Text: "p99<=100ms", Value: 41.25, Held: true}, {Text: "rate>=200000", Value: 180_000, Held: false}},
	}
	for i, side := range []string{"produce", "consume", "end-to-end"} {
		s := result.Side{Name: side}
		median := 2 * float64(i+1)
		for range seconds {
			p := result.Point{Records: 170_000 + r.Int64N(20_000), P50: median * (0.9 + 0.2*r.Float64())}
			p.Bytes, p.P99 = 1024*p.Records, 8*p.P50
			p.Max = p.P99 * (1 + 10*r.Float64()*r.Float64())
			s.Over = append(s.Over, p)
			s.Records += p.Records
			s.Bytes += p.Bytes
			s.Latency.Max = max(s.Latency.Max, p.Max)
		}
		s.Latency.Mean, s.Latency.P50, s.Latency.P90, s.Latency.P99, s.Latency.P999 = 1.2*median, median, 3*median, 8*median, 20*median
		for to := 0.3; to < s.Latency.Max*1.03; to *= 1.03 {
			distance := math.Log(to/median) / 0.8
			s.Latency.Buckets = append(s.Latency.Buckets, result.Bucket{To: to, Count: int64(40_000 * math.Exp(-distance*distance/2))})
		}
		over.Sides = append(over.Sides, s)
	}
	over.Sides[0].Errors = map[string]int64{"NOT_LEADER_OR_FOLLOWER": 12, "timed out": 1}
	return over
}

func sampleMachine() result.Machine {
	return result.Machine{CPU: "AMD EPYC 9B14", Cores: 2, Kernel: "6.1.0", LoadStart: "0.10 0.40 0.80", LoadEnd: "3.20 1.10 0.90"}
}

func sampleComparison() Comparison {
	return Comparison{
		Title: "chronik against Apache Kafka", Date: time.Date(2026, 11, 27, 14, 0, 0, 0, time.UTC), Machine: sampleMachine(),
		Systems: []System{
			{Name: "Kafka", Version: "4.3.1", About: "three combined nodes, 1 GiB of heap each, no fsync"},
			{Name: "chronik", Version: "0.9.0", About: "three nodes, fsync before each acknowledgement"},
		},
		Rows: []Row{
			{What: "Produce 1 KiB, as fast as it goes", Unit: "records/s", Better: More,
				Values: [][]float64{{88_000, 104_000, 95_000}, {201_000, 188_000, 230_000}}, Goals: []Goal{{Of: Ratio, Limit: 2}}},
			{What: "Latency of one caller, p99", Unit: "ms", Better: Less,
				Values: [][]float64{{8.1, 7.9, 9.2}, {2.1, 3.4, 2.2}},
				Goals:  []Goal{{Name: "required", Of: Ratio, Limit: 0.5}, {Name: "goal", Of: Value, Limit: 3}}},
			{What: "Memory of a node", Unit: "MB", Better: Less, Values: [][]float64{{315}, {31}}, Goals: []Goal{{Of: Value, Limit: 25}}},
			{What: "Leader paused", Unit: "s", Better: Less, Values: [][]float64{nil, {2.1}}},
		},
		Notes: []string{"Kafka acknowledges what is in the page cache; chronik what is on the disk.", "The client took 40 % of the cores."},
		Runs:  []Run{{System: "Kafka", Result: sample("produce", 20)}, {System: "chronik", Result: sample("produce", 20)}},
	}
}
