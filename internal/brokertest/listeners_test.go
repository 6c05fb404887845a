package brokertest

import (
	"net"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestClientIsToldTheAddressThatItCameInBy: with auto, by every address of this machine.
func TestClientIsToldTheAddressThatItCameInBy(t *testing.T) {
	b := Start(t, t.TempDir(), "advertised.addr=auto", "offsets.topic.num.partitions=1")
	first, port, err := net.SplitHostPort(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", first} {
		at := *b
		at.Addr = net.JoinHostPort(host, port)
		c := at.Raw(t)
		check := func(api, told string, toldPort int32) {
			t.Helper()
			if got := net.JoinHostPort(told, strconv.Itoa(int(toldPort))); got != at.Addr {
				t.Errorf("%s at %s names %s", api, at.Addr, got)
			}
		}
		metadata := c.Ask(kmsg.NewPtrMetadataRequest()).(*kmsg.MetadataResponse)
		check("Metadata", metadata.Brokers[0].Host, metadata.Brokers[0].Port)
		cluster := c.Ask(kmsg.NewPtrDescribeClusterRequest()).(*kmsg.DescribeClusterResponse)
		check("DescribeCluster", cluster.Brokers[0].Host, cluster.Brokers[0].Port)
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.Version, find.CoordinatorKey = 3, "g"
		coordinator := c.Ask(find).(*kmsg.FindCoordinatorResponse)
		check("FindCoordinator", coordinator.Host, coordinator.Port)
	}
}

// Each listener tells its clients the address that was advertised for it, in
// every answer that names a broker.
func TestEachListenerAdvertisesItsOwnAddress(t *testing.T) {
	inside, outside := "127.0.0.1:"+FreePort(t), "127.0.0.1:"+FreePort(t)
	b := Start(t, t.TempDir(),
		"listeners=INSIDE://"+inside+",OUTSIDE://"+outside,
		"advertised.listeners=INSIDE://inside.example:1001,OUTSIDE://outside.example:1002",
		"listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT",
		"offsets.topic.num.partitions=1")
	f := func(listener, wantHost string, wantPort int32) {
		t.Helper()
		at := *b
		at.Addr = listener
		c := at.Raw(t)
		check := func(api, host string, port int32) {
			t.Helper()
			if host != wantHost || port != wantPort {
				t.Errorf("%s on %s names %s:%d, want %s:%d", api, listener, host, port, wantHost, wantPort)
			}
		}
		metadata := c.Ask(kmsg.NewPtrMetadataRequest()).(*kmsg.MetadataResponse)
		check("Metadata", metadata.Brokers[0].Host, metadata.Brokers[0].Port)
		cluster := c.Ask(kmsg.NewPtrDescribeClusterRequest()).(*kmsg.DescribeClusterResponse)
		check("DescribeCluster", cluster.Brokers[0].Host, cluster.Brokers[0].Port)
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.Version, find.CoordinatorKey = 3, "g"
		coordinator := c.Ask(find).(*kmsg.FindCoordinatorResponse)
		check("FindCoordinator", coordinator.Host, coordinator.Port)
	}
	f(inside, "inside.example", 1001)
	f(outside, "outside.example", 1002)
}
