package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// readiness is whether a node has all that it should have, and what it lacks.
type readiness struct {
	Ready bool         `json:"ready"`
	Node  model.NodeID `json:"node"`
	// Missing are sentences.
	Missing []string `json:"missing,omitempty"`
	// OutOfSync are the first of the partitions that it does not hold in sync.
	OutOfSync []string `json:"out_of_sync,omitempty"`
}

// outOfSyncMax is how many partitions are named.
const outOfSyncMax = 10

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	o := &s.options
	r := readinessOf(o.Image(), o.Node, o.Incarnation, o.DiskErr())
	code := http.StatusOK
	if !r.Ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, r)
}

// readinessOf decides by the metadata: a node is ready where it takes part as a broker
// and is in the in-sync set of every partition that is assigned to it, without having
// lost anything. Whatever an earlier run of the node was counts for nothing.
func readinessOf(image *meta.Image, node model.NodeID, incarnation model.Incarnation, diskErr error) readiness {
	r := readiness{Node: node}
	if diskErr != nil {
		r.Missing = append(r.Missing, diskErr.Error())
	}
	var self *meta.Broker
	if image != nil {
		self = image.Brokers.ByID(node)
	}
	switch {
	case self == nil || self.Incarnation != incarnation:
		r.Missing = append(r.Missing, "the broker has not registered with the cluster yet")
	case self.Fenced:
		r.Missing = append(r.Missing, "the broker is fenced: the controller does not hear of it, or it has not recovered yet")
	case self.Leaving:
		r.Missing = append(r.Missing, "the broker is in a controlled shutdown")
	}
	if image != nil {
		r.addOutOfSync(image, node)
	}
	r.Ready = len(r.Missing) == 0
	return r
}

func (r *readiness) addOutOfSync(image *meta.Image, node model.NodeID) {
	assigned := 0
	var missing []model.TopicPartition
	for topic := range image.Topics.All() {
		for i := range topic.Partitions {
			p := &topic.Partitions[i]
			if !slices.Contains(p.Replicas, node) {
				continue
			}
			assigned++
			if !slices.Contains(p.ISR, node) || slices.Contains(p.Lost, node) {
				missing = append(missing, model.TopicPartition{Topic: topic.Name, Partition: model.Partition(i)})
			}
		}
	}
	if len(missing) == 0 {
		return
	}
	r.Missing = append(r.Missing, fmt.Sprintf("not in sync: %d of %d partitions", len(missing), assigned))
	slices.SortFunc(missing, func(a, b model.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	for _, name := range missing[:min(len(missing), outOfSyncMax)] {
		r.OutOfSync = append(r.OutOfSync, name.String())
	}
}
