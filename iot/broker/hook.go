package broker

import (
	"context"
	"errors"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"aval/iot"
)

// hook ties the library's events to the broker. Each connection calls it from its own goroutine.
type hook struct {
	mqtt.HookBase
	broker *Broker
	// withheld holds the *mqtt.Client that a PUBACK was kept from.
	withheld sync.Map
}

// ID names the hook to the library.
func (h *hook) ID() string { return "aval" }

// Provides lists the events that the hook handles.
func (h *hook) Provides(event byte) bool {
	switch event {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnPublished, mqtt.OnDisconnect:
		return true
	}
	return false
}

// OnConnect bounds the keep-alive, whose 1.5-fold is the read deadline: zero would mean none.
func (h *hook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	if cl.State.Keepalive == 0 || cl.State.Keepalive > MaxKeepaliveSeconds {
		cl.State.Keepalive, cl.State.ServerKeepalive = MaxKeepaliveSeconds, true
	}
	return nil
}

// OnConnectAuthenticate admits or refuses a connection.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	return h.broker.authenticate(cl, pk)
}

// OnACLCheck admits or refuses a topic. The library disconnects a 3.1.1 client that publishes
// where it may not, which is the only way to tell it.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	return h.broker.allowed(cl, topic, write)
}

// OnPublish commits the message. When it returns CodeSuccessIgnore the library writes the PUBACK
// and hands the message to nobody else; on ErrRejectPacket it writes nothing.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil
	}
	if pk.FixedHeader.Retain && h.refuseRetained(cl, pk.TopicName) {
		return pk, packets.ErrRejectPacket
	}
	outcome, err := h.broker.accept(cl.ID, pk)
	refreshDeadline(cl)
	if err != nil {
		h.withheld.Store(cl, true)
		return pk, packets.ErrRejectPacket
	}
	h.broker.answer(outcome)
	return pk, packets.CodeSuccessIgnore
}

// OnPublished runs after the PUBACK. A client that was refused one while the ledger stalled
// is disconnected now that commits flow again: MQTT 3.1.1 clients repeat only when they reconnect.
func (h *hook) OnPublished(cl *mqtt.Client, _ packets.Packet) {
	if _, found := h.withheld.LoadAndDelete(cl); found {
		_ = h.broker.server.DisconnectClient(cl, packets.ErrServerBusy) // the client may be gone already
	}
}

// OnDisconnect forgets the connection.
func (h *hook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) { h.withheld.Delete(cl) }

// refuseRetained disconnects a client that wants evidence retained: a broker would serve it
// again later as if it were new. For births and states the flag is without effect here.
func (h *hook) refuseRetained(cl *mqtt.Client, topic string) bool {
	t, err := iot.ParseTopic(topic)
	if err != nil || t.Class != iot.Readings && t.Class != iot.Events {
		return false
	}
	h.broker.ingest.NoteRetained()
	_ = h.broker.server.DisconnectClient(cl, packets.ErrRetainNotSupported) // the client may be gone already
	return true
}

// refreshDeadline gives the connection its time again after a wait for the ledger: the
// library sets one deadline for reading and writing, before it reads.
func refreshDeadline(cl *mqtt.Client) {
	if cl.Net.Conn != nil {
		_ = cl.Net.Conn.SetDeadline(time.Now().Add(time.Duration(cl.State.Keepalive) * 3 * time.Second / 2))
	}
}

// errStalled says that the ledger let a message time out less than StallPause ago.
var errStalled = errors.New("ledger is stalled")

func (b *Broker) accept(gateway string, pk packets.Packet) (iot.Outcome, error) {
	if time.Now().UnixNano() < b.stalledUntil.Load() {
		return iot.Outcome{}, errStalled
	}
	org, _ := b.organisation(gateway)
	outcome, err := b.ingest.Accept(b.base, iot.Origin{Org: org, Gateway: gateway, Topic: pk.TopicName}, pk.Payload)
	if errors.Is(err, context.DeadlineExceeded) {
		b.stalledUntil.Store(time.Now().Add(StallPause).UnixNano())
	}
	return outcome, err
}

// answer queues the answer on the gateway's connection and never waits for it.
func (b *Broker) answer(o iot.Outcome) {
	if o.AnswerTopic == "" {
		return
	}
	if err := b.server.Publish(o.AnswerTopic, o.Answer, false, 0); err != nil {
		b.ingest.NoteReplyDropped()
	}
}
