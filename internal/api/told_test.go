package api

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// threeBrokers has one partition led by each broker, and listeners OUT of all but the
// third.
func threeBrokers(t testing.TB) *meta.Image {
	t.Helper()
	records := []meta.Record{&meta.TopicRecord{ID: model.TopicID{1}, Name: "t"}}
	for i := range 3 {
		node := model.NodeID(i + 1)
		address := netip.AddrFrom4([4]byte{10, 0, 0, byte(node)})
		b := meta.Broker{ID: node, Epoch: 1, Endpoints: []meta.Endpoint{{Listener: "IN", Host: address.String(), Port: 9092,
			Candidates: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 0, byte(node)}), 24), netip.PrefixFrom(address, 24)}}}}
		if node != 3 {
			b.Endpoints = append(b.Endpoints, meta.Endpoint{Listener: "OUT", Host: "out.example", Port: uint16(node)})
		}
		records = append(records, &meta.RegisterBrokerRecord{Broker: b}, &meta.PartitionRecord{Topic: model.TopicID{1}, Index: model.Partition(i),
			Partition: meta.Partition{Replicas: []model.NodeID{node}, ISR: []model.NodeID{node}, Leader: node}})
	}
	image, err := new(meta.Image).After(records, 1)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestMetadataNamesBrokersAsTheClientReachesThem(t *testing.T) {
	image := threeBrokers(t)
	h := &Handler{Services: Services{Node: 1, Image: func() *meta.Image { return image }, ControllerID: func() model.NodeID { return 2 }, OutOfTouch: func() bool { return false }}}
	ask := func(listener, local string, version int16) *kmsg.MetadataResponse {
		t.Helper()
		r := kmsg.NewPtrMetadataRequest()
		r.Version = version
		req := &server.Request{Conn: &server.ConnInfo{Listener: listener, Local: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local))}}
		resp, err := h.metadata(context.Background(), req, r)
		if err != nil {
			t.Fatal(err)
		}
		return resp.(*kmsg.MetadataResponse)
	}
	for local, want := range map[string][]string{
		"10.0.0.1:9092":    {"10.0.0.1", "10.0.0.2", "10.0.0.3"},
		"192.168.0.1:9092": {"192.168.0.1", "192.168.0.2", "192.168.0.3"},
		"127.0.0.1:9092":   {"127.0.0.1", "192.168.0.2", "192.168.0.3"},
	} {
		resp := ask("IN", local, 13)
		for i, b := range resp.Brokers {
			if b.Host != want[i] || b.Port != 9092 {
				t.Errorf("in at %s: broker %d is at %s:%d, want %s", local, b.NodeID, b.Host, b.Port, want[i])
			}
		}
		if p := resp.Topics[0].Partitions[2]; p.Leader != 3 || p.ErrorCode != 0 {
			t.Errorf("partition of broker 3: leader %d, code %d", p.Leader, p.ErrorCode)
		}
	}
	for version, want := range map[int16]int16{5: kerr.LeaderNotAvailable.Code, 6: kerr.ListenerNotFound.Code} {
		resp := ask("OUT", "10.0.0.1:9093", version)
		if len(resp.Brokers) != 2 || resp.Brokers[1].Host != "out.example" || resp.Brokers[1].Port != 2 {
			t.Errorf("v%d: brokers %+v", version, resp.Brokers)
		}
		for i, p := range resp.Topics[0].Partitions {
			if leader := int32(i + 1); i < 2 && (p.Leader != leader || p.ErrorCode != 0) || i == 2 && (p.Leader != -1 || p.ErrorCode != want) {
				t.Errorf("v%d, partition %d: leader %d, code %d", version, i, p.Leader, p.ErrorCode)
			}
		}
	}
}

// Who is told of as the controller is not the active one, so that its death is no
// client's matter; where it is alone it is.
func TestTheControllerThatClientsAreToldOf(t *testing.T) {
	image := threeBrokers(t)
	for self, want := range map[model.NodeID]model.NodeID{1: 1, 2: 3, 3: 3} {
		h := &Handler{Services: Services{Node: self, ControllerID: func() model.NodeID { return 2 }}}
		if got := h.controllerID(image); got != want {
			t.Errorf("node %d names %d, want %d", self, got, want)
		}
	}
	h := &Handler{Services: Services{Node: 3, ControllerID: func() model.NodeID { return 3 }}}
	if got := h.controllerID(image); got != 1 {
		t.Errorf("node 3 names %d", got)
	}
	if got := h.controllerID(&meta.Image{}); got != 3 {
		t.Errorf("alone it names %d", got)
	}
}

// Clients of a node that is out of touch are to ask another.
func TestMetadataOfANodeThatIsOutOfTouch(t *testing.T) {
	h := New(Services{Node: 1, Image: func() *meta.Image { return threeBrokers(t) }, OutOfTouch: func() bool { return true }})
	if resp, err := h.metadata(t.Context(), &server.Request{Conn: &server.ConnInfo{}}, kmsg.NewPtrMetadataRequest()); !errors.Is(err, server.ErrReset) {
		t.Errorf("%+v, %v", resp, err)
	}
}
