package group

import (
	"encoding/binary"
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// readGroupValue reads a group's value. The record's memory is the log reader's
// and kmsg copies strings but not bytes, so those are copied here.
func readGroupValue(b []byte) (kmsg.GroupMetadataValue, error) {
	var v kmsg.GroupMetadataValue
	if err := checkFormat(b, groupValueMax); err != nil {
		return v, err
	}
	if err := v.ReadFrom(b); err != nil {
		return v, err
	}
	for i := range v.Members {
		m := &v.Members[i]
		m.Subscription, m.Assignment = append([]byte{}, m.Subscription...), append([]byte{}, m.Assignment...)
	}
	return v, nil
}

var errSubscription = errors.New("not a consumer's subscription")

// addSubscription adds the topics of a consumer's protocol metadata to a set.
// False: it is something else.
//
//	version int16 │ count int32 │ { topic string }… │ what versions add
func addSubscription(topics map[string]struct{}, metadata []byte) bool {
	list, err := readSubscription(metadata)
	for _, topic := range list {
		topics[topic] = struct{}{}
	}
	return err == nil
}

func readSubscription(b []byte) ([]string, error) {
	if len(b) < 6 || int16(binary.BigEndian.Uint16(b)) < 0 {
		return nil, errSubscription
	}
	count := int32(binary.BigEndian.Uint32(b[2:]))
	if count < 0 {
		return nil, errSubscription
	}
	var list []string // grows with the bytes that are there, not with the count
	for b = b[6:]; count > 0; count-- {
		if len(b) < 2 {
			return nil, errSubscription
		}
		size := int(int16(binary.BigEndian.Uint16(b)))
		if size < 0 || size > len(b)-2 {
			return nil, errSubscription
		}
		list = append(list, string(b[2:2+size]))
		b = b[2+size:]
	}
	return list, nil
}
