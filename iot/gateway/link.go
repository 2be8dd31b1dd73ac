package gateway

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"aval/iot"
)

// Limits of a link.
const (
	keepalive      = 30 * time.Second
	connectTimeout = 10 * time.Second
	// minBackoff and maxBackoff bound the waits between attempts to connect.
	minBackoff = 100 * time.Millisecond
	maxBackoff = 30 * time.Second
	// settled is how long a connection must live for the next wait to be the shortest again.
	settled          = 2 * time.Second
	disconnectMillis = 100
	// maxOpen bounds the publishes without a PUBACK on one connection; beyond it the link is
	// replaced. At the default window and wait that is five minutes of a ledger standing still.
	maxOpen = 1024
)

// Run publishes and takes receipts until ctx ends, and returns nil then. Run it once at a time.
func (g *Gateway) Run(ctx context.Context) error {
	var settling sync.WaitGroup
	defer settling.Wait()
	settling.Go(func() { g.settleAll(ctx) })
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		if g.link(ctx) && time.Since(began) > settled {
			failures = 0
		}
		pause(ctx, backoff(failures))
	}
	return nil
}

// link serves one connection until it is lost and says whether it was ever up. Sessions are
// clean: the store, not the broker or the library, remembers what is under way.
func (g *Gateway) link(ctx context.Context) bool {
	lost := make(chan struct{})
	client := mqtt.NewClient(g.options(lost))
	defer client.Disconnect(disconnectMillis)
	if !done(ctx, client.Connect(), lost) {
		return false
	}
	receipts := iot.ReceiptTopic(g.config.Net, g.config.Org, g.config.ID)
	if !done(ctx, client.Subscribe(receipts, 1, nil), lost) {
		return false
	}
	g.mu.Lock()
	g.stats.Connects++
	g.queue.reset(time.Now())
	g.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	broken := make(chan struct{})
	go func() { // a publish on a dying link may block until its write times out
		defer close(broken)
		g.send(ctx, client)
	}()
	select {
	case <-lost:
	case <-broken:
	case <-ctx.Done():
	}
	return true
}

func (g *Gateway) options(lost chan<- struct{}) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(g.config.Broker).SetClientID(g.config.ID)
	o.SetUsername(g.config.ID).SetPassword(g.config.Password).SetProtocolVersion(4)
	if g.config.TLS != nil {
		o.SetTLSConfig(g.config.TLS)
	}
	o.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetOrderMatters(true)
	o.SetKeepAlive(keepalive).SetConnectTimeout(connectTimeout).SetWriteTimeout(g.config.WriteTimeout)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { g.receive(m.Payload()) })
	o.SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) })
	return o
}

// receive runs on the client's reading loop and never waits: a receipt that does not fit comes
// again with the next repeat.
func (g *Gateway) receive(raw []byte) {
	select {
	case g.receipts <- raw:
	default:
	}
}

// send publishes what is due, within the window, until ctx ends or the link fails.
func (g *Gateway) send(ctx context.Context, client mqtt.Client) {
	var tokens outstanding
	for ctx.Err() == nil {
		m, raw, wait := g.next()
		if m == nil {
			g.idle(ctx, wait)
			continue
		}
		if raw == nil {
			continue
		}
		token := client.Publish(g.topic(m), 1, false, raw)
		if !tokens.add(token) {
			return
		}
	}
}

// next takes the next message and marks it as published: if the publish fails, the link is
// replaced and everything under way is due again. Raw is nil for a message that cannot be read.
func (g *Gateway) next() (*message, []byte, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	m, wait := g.queue.take(now, g.config.Window)
	if m == nil {
		return nil, nil, wait
	}
	raw, err := g.wal.read(g.wal.live[m.number])
	if err != nil || g.closed {
		g.queue.move(m, now.Add(g.config.NoticePause), false) // a bad sector: the others go on
		return m, nil, 0
	}
	wait = g.config.Resend << min(m.attempts, MaxResends)
	m.attempts++
	g.stats.Published++
	g.queue.move(m, now.Add(wait*9/10+rand.N(wait/5+1)), true)
	return m, raw, 0
}

func (g *Gateway) topic(m *message) string {
	return iot.Topic{Net: g.config.Net, Org: g.config.Org, Gateway: g.config.ID, Device: m.device, Class: iot.Class(m.class)}.String()
}

func (g *Gateway) idle(ctx context.Context, wait time.Duration) {
	if wait < 0 {
		wait = time.Hour // a wake comes before
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-g.wake:
	case <-timer.C:
	}
}

// outstanding are the tokens of publishes without a PUBACK. They are no proof of anything, but
// each holds a packet ID and a copy in the library, so their number is bounded.
type outstanding []mqtt.Token

// add says whether the link can go on: the publish did not fail and not too many are open.
func (o *outstanding) add(token mqtt.Token) bool {
	open := (*o)[:0]
	for _, t := range append(*o, token) {
		select {
		case <-t.Done():
			if t.Error() != nil {
				return false
			}
		default:
			open = append(open, t)
		}
	}
	*o = open
	return len(open) <= maxOpen
}

func done(ctx context.Context, token mqtt.Token, lost <-chan struct{}) bool {
	timer := time.NewTimer(connectTimeout)
	defer timer.Stop()
	select {
	case <-token.Done():
		return token.Error() == nil
	case <-lost:
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// backoff doubles with each failure and is drawn from the upper half of its step, so that a
// fleet does not return in step.
func backoff(failures int) time.Duration {
	step := min(minBackoff<<min(failures, 10), maxBackoff)
	return step/2 + rand.N(step/2)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
