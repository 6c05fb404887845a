package target

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// answers lists offsets, each time another's.
func answers(all ...error) (list func(context.Context, ...string) (kadm.ListedOffsets, error), asked *int) {
	asked = new(int)
	return func(_ context.Context, topics ...string) (kadm.ListedOffsets, error) {
		err := all[min(*asked, len(all)-1)]
		*asked++
		return kadm.ListedOffsets{topics[0]: {0: {Topic: topics[0], Offset: 7, Err: err}}}, nil
	}, asked
}

// TestOffsetsOfANewTopic: metadata names its leaders before these know of it.
func TestOffsetsOfANewTopic(t *testing.T) {
	list, asked := answers(kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, nil)
	if found, err := (&Target{topic: "t"}).offsets(t.Context(), list); err != nil || !maps.Equal(found, map[int32]int64{0: 7}) || *asked != 3 {
		t.Errorf("%v, %v, asked %d times", found, err, *asked)
	}
}

func TestOffsetsThatAreRefused(t *testing.T) {
	list, asked := answers(kerr.TopicAuthorizationFailed)
	if _, err := (&Target{topic: "t"}).offsets(t.Context(), list); !errors.Is(err, kerr.TopicAuthorizationFailed) || *asked != 1 {
		t.Errorf("%v, asked %d times", err, *asked)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list, _ = answers(kerr.NotLeaderForPartition)
	if _, err := (&Target{topic: "t"}).offsets(ctx, list); !errors.Is(err, kerr.NotLeaderForPartition) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
