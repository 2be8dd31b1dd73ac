// Package broker is the embedded MQTT broker for sensor gateways. It acknowledges a message only
// after Ingest.Accept made it durable, keeps no messages of its own, and lets each gateway
// publish below its own "up" and read its own "dn", nothing else.
//
// It stands on mochi-mqtt, whose publish hook runs on the reading goroutine of a connection
// before the PUBACK is written. Of the errors that a hook can return only
// packets.ErrRejectPacket withholds the PUBACK from MQTT 3.1.1 clients; after any other
// error the message is acknowledged as if nothing had happened. Answers go out at QoS 0: in
// this library an incoming packet ID erases an outgoing message in flight with the same ID, and an
// answer that is lost is given again when the gateway repeats its message.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"aval/domain"
	"aval/iot"
)

// Limits of a broker.
const (
	// MaxPacketBytes bounds an MQTT packet: one message with its topic.
	MaxPacketBytes = iot.MaxMessageBytes + 1024
	// MaxConnections bounds the open connections, MaxClients the gateways that may be listed.
	MaxConnections = 4096
	MaxClients     = 65536
	// MaxPending bounds the answers that wait to be written to one gateway.
	MaxPending = 256
	// MaxInflight bounds what one gateway may send ahead of its acknowledgements (MQTT 5).
	MaxInflight = 256
	// MaxSessionSeconds is how long a disconnected session is remembered.
	MaxSessionSeconds = 3600
	// ConnectTimeout bounds TCP, TLS and MQTT handshakes together.
	ConnectTimeout = 10 * time.Second
	// MaxKeepaliveSeconds stands in for a keep-alive of zero (never) or above it.
	MaxKeepaliveSeconds = 3600
	// StallPause is how long publishes go unacknowledged at once after the ledger let one time
	// out, so that pings are still answered and connections stay up.
	StallPause = 2 * time.Second
)

// DefaultAddress listens on loopback only.
const DefaultAddress = "127.0.0.1:1883"

// Client is a gateway that may connect. Its MQTT client ID is Gateway, and so is its user name.
type Client struct {
	Org     domain.PartyID
	Gateway string
	// Password is compared in constant time. When it is empty the gateway must show a
	// verified TLS client certificate with Gateway as common name.
	Password string
}

// Config makes a Broker.
type Config struct {
	// Address is host:port, DefaultAddress when empty. Port 0 takes a free one.
	Address string
	Clients []Client
	// AnonymousOrg lets gateways that are not listed connect without a password, as of that
	// organisation: for demonstrations. Empty refuses them.
	AnonymousOrg domain.PartyID
	// TLS is nil for plain TCP.
	TLS *tls.Config
}

// Broker serves gateways. Safe for concurrent use.
type Broker struct {
	server   *mqtt.Server
	listener *listener
	ingest   *iot.Ingest
	clients  map[string]credential
	// anonymous is the organisation of unlisted gateways, empty for none.
	anonymous string
	// stop ends the calls of Accept that wait when Run ends.
	stop context.CancelFunc
	base context.Context
	// stalledUntil is in Unix nanoseconds.
	stalledUntil atomic.Int64
}

// New binds the address and prepares the broker; Run serves it.
func New(c Config, ingest *iot.Ingest) (*Broker, error) {
	b := &Broker{ingest: ingest, anonymous: string(c.AnonymousOrg)}
	b.base, b.stop = context.WithCancel(context.Background())
	var err error
	if b.clients, err = credentials(c); err != nil {
		return nil, err
	}
	// The library logs whole packets, which are other people's data: what is worth knowing is counted.
	b.server = mqtt.New(&mqtt.Options{
		Capabilities: capabilities(), InlineClient: true, Logger: slog.New(slog.DiscardHandler), SysTopicResendInterval: 3600,
	})
	if err := b.server.AddHook(&hook{broker: b}, nil); err != nil {
		return nil, fmt.Errorf("add broker hook: %w", err)
	}
	address := c.Address
	if address == "" {
		address = DefaultAddress
	}
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for gateways: %w", err)
	}
	b.listener = newListener(inner, c.TLS)
	if err := b.server.AddListener(b.listener); err != nil {
		return nil, errors.Join(fmt.Errorf("add listener: %w", err), inner.Close())
	}
	return b, nil
}

// Address is the bound host:port.
func (b *Broker) Address() string { return b.listener.Address() }

// Run serves until ctx ends. It can be called once.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("serve gateways: %w", err)
	}
	<-ctx.Done()
	b.stop() // first, so that no connection waits for a commit while it is being closed
	if err := b.server.Close(); err != nil {
		return fmt.Errorf("close broker: %w", err)
	}
	return nil
}

func capabilities() *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients = MaxConnections
	c.MaximumPacketSize = MaxPacketBytes
	c.MaximumClientWritesPending = MaxPending
	c.MaximumInflight = MaxInflight
	c.ReceiveMaximum = MaxInflight
	c.MaximumSessionExpiryInterval = MaxSessionSeconds
	c.MaximumMessageExpiryInterval = MaxSessionSeconds
	c.TopicAliasMaximum = 0 // an alias would name a topic that access control has not seen
	c.SharedSubAvailable = 0
	c.RetainAvailable = 0
	c.MaximumQos = 1
	return c
}
