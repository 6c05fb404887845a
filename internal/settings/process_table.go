package settings

// processTable holds chronik's own settings, which no client sees. Sorted by
// name; never written.
var processTable = [...]Definition{
	{Name: "admin.addr", Type: String, Scope: ProcessScope, Default: "localhost:19092",
		Doc: "Where metrics, health and debug pages are served, as host:port, to everyone who reaches it. Where missing, on loopback, 10000 above the port of the first listener; none serves them nowhere."},
	{Name: "advertised.addr", Type: String, Scope: ProcessScope, Null: true,
		Doc: "The host clients are told to connect to. One that is not this machine's loopback also opens every interface. auto tells each client the address that it came in by, and of other nodes the one on the same network, among those that the machines had at their start; it cannot see through address translation (published ports of containers). Where advertised.listeners is set, that counts."},
	{Name: "bootstrap", Type: Boolean, Scope: ProcessScope, Default: "false",
		Doc: "Whether a node of a cluster whose data directory is empty begins a new cluster with its peers. It does nothing once there is data."},
	{Name: "cluster.ssl.ca.file", Type: String, Scope: ProcessScope, Null: true,
		Doc: "The certificates (PEM) of the authority that has signed those of all nodes: without one of them nobody gets in at the cluster port. Given together with the two below, or not at all."},
	{Name: "cluster.ssl.certificate.file", Type: String, Scope: ProcessScope, Null: true,
		Doc: "This node's certificate (PEM), shown to the other nodes whichever side connects."},
	{Name: "cluster.ssl.key.file", Type: String, Scope: ProcessScope, Null: true,
		Doc: "The private key (PEM) of cluster.ssl.certificate.file."},
	{Name: "kafka.port", Type: Int, Scope: ProcessScope, Default: "9092", rule: between(0, 65535),
		Doc: "The port clients connect to; 0 takes a free one. Where listeners is set, that counts."},
	{Name: "log.format", Type: String, Scope: ProcessScope, Default: "auto", rule: oneOf("auto", "text", "json"),
		Doc: "How log lines are written; auto is text on a terminal and JSON elsewhere."},
	{Name: "log.level", Type: String, Scope: ProcessScope, Default: "info", rule: oneOf("debug", "info", "warn", "error"),
		Doc: "The least severe log lines that are written."},
	{Name: "peers", Type: List, Scope: ProcessScope, Default: "",
		Doc: "The other nodes of the cluster, as id@host:port,id@host:port, with the ports of their raft.addr. It makes this node one of a cluster, as the command raft-cluster does."},
	{Name: "raft.addr", Type: String, Scope: ProcessScope, Default: "localhost:9192",
		Doc: "Where the other nodes of the cluster connect to, as host:port. An empty host is every interface, localhost is both loopback addresses. It carries metadata and replicas, never a client."},
}
