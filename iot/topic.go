package iot

import (
	"strings"

	"aval/domain"
)

// MaxTopicBytes bounds a topic; the longest that can be formatted is shorter.
const MaxTopicBytes = 256

// Class is the last level of an up topic: what a message is.
type Class string

// The classes. Readings, events and births are signed packs and evidence; a state is a
// hint that a broker may send by itself (a will) and is never evidence.
const (
	Readings Class = "r"
	Events   Class = "e"
	Births   Class = "b"
	States   Class = "s"
)

// Topic is where a gateway publishes what a device signed:
//
//	aval/1/{net}/{org}/{gateway}/up/{device}/{r|e|b|s}
//
// Net is the short name of the ledger's network: a ledger's origin holds characters that a level cannot.
type Topic struct {
	Net, Org, Gateway, Device string
	Class                     Class
}

// String formats the topic.
func (t Topic) String() string {
	return root(t.Net, t.Org, t.Gateway) + "/up/" + t.Device + "/" + string(t.Class)
}

// ParseTopic reads an up topic. Errors are *domain.Rejection.
func ParseTopic(s string) (Topic, error) {
	if len(s) > MaxTopicBytes {
		return Topic{}, domain.Refuse(domain.Malformed, "topic of %d bytes, limit %d", len(s), MaxTopicBytes)
	}
	levels := strings.Split(s, "/")
	if len(levels) != 8 || levels[0] != "aval" || levels[1] != "1" || levels[5] != "up" {
		return Topic{}, domain.Refuse(domain.Malformed, "topic: want aval/1/{net}/{org}/{gateway}/up/{device}/{class}")
	}
	t := Topic{Net: levels[2], Org: levels[3], Gateway: levels[4], Device: levels[6], Class: Class(levels[7])}
	return t, t.check()
}

func (t Topic) check() error {
	for _, level := range []struct{ field, name string }{{"net", t.Net}, {"org", t.Org}, {"gateway", t.Gateway}, {"device", t.Device}} {
		if err := CheckName(level.field, level.name); err != nil {
			return err
		}
	}
	switch t.Class {
	case Readings, Events, Births, States:
		return nil
	}
	return domain.Refuse(domain.Malformed, "topic class %.10q: want r, e, b or s", string(t.Class))
}

// ReceiptTopic is where a gateway is answered.
func ReceiptTopic(net, org, gateway string) string { return root(net, org, gateway) + "/dn/receipt" }

// DownFilter covers everything sent down to one gateway.
func DownFilter(net, org, gateway string) string { return root(net, org, gateway) + "/dn/+" }

// IsDown says whether the topic or filter is one that the gateway may read.
func IsDown(s, net, org, gateway string) bool {
	last, ok := strings.CutPrefix(s, root(net, org, gateway)+"/dn/")
	return ok && (last == "receipt" || last == "time" || last == "cmd" || last == "+")
}

// UpFilter covers everything that gateways of a network send up.
func UpFilter(net string) string { return "aval/1/" + net + "/+/+/up/+/+" }

func root(net, org, gateway string) string { return "aval/1/" + net + "/" + org + "/" + gateway }

// CheckName refuses a topic level that is not 1 to 48 of a-z, 0-9, '-': wildcards, '$', '.' and
// '/' in a name have given clients of other systems more than their own. Check at enrolment.
func CheckName(field, name string) error {
	if name == "" || len(name) > 48 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return domain.Refuse(domain.Malformed, "%s %.60q: want 1 to 48 of a-z, 0-9, '-'", field, name)
	}
	return nil
}
