package membership

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// Goal: a leader whose vote is taken hands its office on, though raft's request to the next
// is lost: it asks again.
func TestAnOfficeIsHandedOnThoughTheFirstRequestIsLost(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active := c.controller()
		var asked atomic.Int32
		c.w.loseRaft(func(m *quorum.Message) bool {
			return m.GetType() == raftpb.MsgTimeoutNow && asked.Add(1) == 1
		})
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := active.router.roster.RemoveVoter(ctx, active.id, model.DirectoryID{})
		if !errors.As(err, new(*quorum.NotLeaderError)) {
			t.Errorf("its vote is taken: %v", err)
		}
		if c.controller() == active || asked.Load() < 2 {
			t.Errorf("it asked %d times, and the controller is node %d", asked.Load(), c.controller().id)
		}
	})
}
