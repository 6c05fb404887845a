package metrics

import (
	"strconv"

	"github.com/chronik/chronik/internal/server"
)

// requestFamilies are what requests cost, by API.
func requestFamilies() []family {
	const totalTime = "kafka.network:type=RequestMetrics,name=TotalTimeMs"
	return []family{
		{
			name: "kafka_network_requestmetrics_requests_total", kind: counter, labels: []string{"request", "version"},
			mbean: "kafka.network:type=RequestMetrics,name=RequestsPerSec",
			help:  "Requests by API and version.",
			collect: func(s *scrape, out *output) {
				for i := range s.requests {
					for v, n := range s.requests[i].Versions {
						for _, name := range kafkaRequests(s.requests[i].Name) {
							if n > 0 {
								out.add(float64(n), name, strconv.Itoa(v))
							}
						}
					}
				}
			},
		},
		{
			name: "kafka_network_requestmetrics_totaltimems", kind: gauge, labels: []string{"request", "quantile"}, mbean: totalTime,
			help: "Milliseconds from a request's last byte to its response, waiting included: quantiles of the last minutes.",
			collect: func(s *scrape, out *output) {
				for i := range s.requests {
					for _, name := range kafkaRequests(s.requests[i].Name) {
						out.addQuantiles(s.requests[i].lately, name)
					}
				}
			},
		},
		{
			name: "kafka_network_requestmetrics_totaltimems_count", kind: counter, labels: []string{"request"}, mbean: totalTime,
			help: "Requests that were answered.",
			collect: func(s *scrape, out *output) {
				for i := range s.requests {
					for _, name := range kafkaRequests(s.requests[i].Name) {
						out.add(float64(s.requests[i].Took.Count()), name)
					}
				}
			},
		},
		{
			name: "chronik_request_duration_seconds", kind: buckets, labels: []string{"request"},
			help: "Time from a request's last byte to its response, waiting included.",
			collect: func(s *scrape, out *output) {
				for i := range s.requests {
					out.addBuckets(s.requests[i].Took, nanoseconds, threeADecade, s.requests[i].Name)
				}
			},
		},
		{
			name: "kafka_server_fetchsessioncache_numincrementalfetchsessions", kind: gauge,
			mbean:   "kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions",
			help:    "Fetch sessions that are open.",
			collect: one(func(s *scrape) float64 { return float64(s.topics.FetchSessions) }),
		},
	}
}

// kafkaRequests are the names under which Kafka shows an API. Replicas do not use
// Fetch here, so all of it is a consumer's.
func kafkaRequests(api string) []string {
	if api == "Fetch" {
		return []string{"Fetch", "FetchConsumer"}
	}
	return []string{api}
}

// connectionFamilies are what connections do, before anybody looks at a request.
func connectionFamilies() []family {
	listeners := func(value func(server.ListenerStats) int64) func(*scrape, *output) {
		return func(s *scrape, out *output) {
			for _, l := range s.server.Listeners {
				out.add(float64(value(l)), l.Name)
			}
		}
	}
	const bean = "kafka.server:type=socket-server-metrics"
	return []family{
		{
			name: "kafka_server_socket_server_metrics_connection_count", kind: gauge, labels: []string{"listener"},
			mbean: bean, help: "Connections that are open.",
			collect: listeners(func(l server.ListenerStats) int64 { return l.Connections }),
		},
		{
			name: "kafka_server_socket_server_metrics_connection_creation_total", kind: counter, labels: []string{"listener"},
			mbean: bean, help: "Connections that were accepted.",
			collect: listeners(func(l server.ListenerStats) int64 { return l.Accepted }),
		},
		{
			name: "chronik_connections_closed_total", kind: counter, labels: []string{"reason"},
			help: "Connections that ended or were refused, by reason.",
			collect: func(s *scrape, out *output) {
				for reason, n := range s.server.Closed {
					out.add(float64(n), server.CloseReason(reason).String())
				}
			},
		},
		{
			name: "chronik_connections_accept_errors_total", kind: counter,
			help:    "Failures to accept, such as too many open files.",
			collect: one(func(s *scrape) float64 { return float64(s.server.AcceptErrors) }),
		},
		{
			name: "chronik_client_received_bytes_total", kind: counter,
			help:    "Bytes read from clients.",
			collect: one(func(s *scrape) float64 { return float64(s.server.BytesRead) }),
		},
		{
			name: "chronik_client_sent_bytes_total", kind: counter,
			help:    "Bytes written to clients.",
			collect: one(func(s *scrape) float64 { return float64(s.server.BytesWritten) }),
		},
		{
			name: "chronik_request_memory_bytes", kind: gauge,
			help:    "Memory that requests hold now, of queued.max.request.bytes.",
			collect: one(func(s *scrape) float64 { return float64(s.server.RequestMemoryBytes) }),
		},
		{
			name: "chronik_request_memory_waits_total", kind: counter,
			help:    "How often a request had to wait for memory.",
			collect: one(func(s *scrape) float64 { return float64(s.server.RequestMemoryWaits) }),
		},
	}
}
