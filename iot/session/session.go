// Package session takes messages from an external MQTT broker to the ledger: a persistent
// session of one subscriber that acknowledges each message only after Ingest.Accept made it durable.
//
// A session belongs to one consumer: two nodes with one client ID throw each other out for
// ever. The external broker's access control must bind each gateway to its own topics, and
// its queues must be large: brokers drop acknowledged messages when a queue is full. Gateways
// repeat what has no receipt, so such a loss costs time, not evidence.
//
// Every connection is a client of its own. The library's own reconnection hides whether the
// broker still knew the session, knows no jitter, and would carry acknowledgements of a dead
// connection into a living one.
package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"aval/iot"
)

// Defaults and limits of a session.
const (
	// DefaultQueue bounds the messages received and not yet committed. It must be larger than
	// the number that the broker sends ahead of acknowledgements (Mosquitto: 20, up to 147 seen).
	DefaultQueue = 4096
	// DefaultWorkers is how many messages wait for commits at once, so that the engine can group them.
	DefaultWorkers = 64
	// MaxAnswers bounds the answers that wait to be sent.
	MaxAnswers = 1024
	// DefaultWriteTimeout bounds one write, so that a half-open link is noticed.
	DefaultWriteTimeout = 10 * time.Second
	// Keepalive is the interval of pings, ConnectTimeout bounds one attempt to connect.
	Keepalive      = 30 * time.Second
	ConnectTimeout = 10 * time.Second
	// MinBackoff and MaxBackoff bound the waits between attempts; each is drawn at random
	// from the upper half of its step, so that a fleet does not return in step.
	MinBackoff = 100 * time.Millisecond
	MaxBackoff = 30 * time.Second
	// disconnectMillis bounds the farewell to the broker.
	disconnectMillis = 100
)

// Config makes a Session.
type Config struct {
	// Broker is a URL, tcp://127.0.0.1:1883.
	Broker string
	// ClientID must be stable and used by no other.
	ClientID           string
	Username, Password string
	TLS                *tls.Config
	// Queue, Workers and WriteTimeout are the defaults when zero.
	Queue, Workers int
	WriteTimeout   time.Duration
	// OnGap is told when the broker has forgotten the session: messages may be missing until
	// gateways repeat them. Nil for nobody. It is called between connections and must not block.
	OnGap func()
}

// Session is one subscriber. Run it once.
type Session struct {
	config Config
	ingest *iot.Ingest
	queue  chan received
	// overflow says that a message found the queue full: only a new connection brings it back.
	overflow atomic.Bool
	// redeliver asks for that new connection.
	redeliver chan struct{}
	// known says that an earlier connection left a session at the broker.
	known bool
}

// received is one message and the way back to its connection.
type received struct {
	message mqtt.Message
	answers chan<- iot.Outcome
}

// New checks the configuration.
func New(c Config, ingest *iot.Ingest) (*Session, error) {
	if c.Broker == "" || c.ClientID == "" {
		return nil, errors.New("session: broker and client ID are required")
	}
	if c.Queue == 0 {
		c.Queue = DefaultQueue
	}
	if c.Workers == 0 {
		c.Workers = DefaultWorkers
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = DefaultWriteTimeout
	}
	return &Session{config: c, ingest: ingest, queue: make(chan received, c.Queue), redeliver: make(chan struct{}, 1)}, nil
}

// Run keeps the session until ctx ends, and returns nil then. Messages in the queue at that
// moment stay unacknowledged, so that the broker sends them again.
func (s *Session) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	for range s.config.Workers {
		workers.Go(func() { s.work(ctx) })
	}
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		if s.connect(ctx) == nil && time.Since(began) > settled {
			failures = 0
		}
		pause(ctx, backoff(failures))
	}
	return nil
}

// settled is how long a connection must live for the next attempt to begin without a growing
// wait: two consumers with one client ID would otherwise throw each other out in a tight loop.
const settled = 2 * time.Second

// connect serves one connection until it is lost, or overflow asks for another. An error says
// that it was never up; a refused log-in is one, and is tried again like any other, since an
// operator may mend it.
func (s *Session) connect(ctx context.Context) error {
	lost := make(chan struct{})
	answers := make(chan iot.Outcome, MaxAnswers)
	client := mqtt.NewClient(s.options(lost, answers))
	defer client.Disconnect(disconnectMillis)
	present, err := s.open(ctx, client, lost)
	if err != nil {
		return err
	}
	if s.known && !present {
		s.ingest.NoteGap()
		if s.config.OnGap != nil {
			s.config.OnGap()
		}
	}
	s.known = true
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go send(ctx, client, answers)
	select {
	case <-lost:
	case <-s.redeliver:
	case <-ctx.Done():
	}
	return nil
}

// open connects and subscribes. The default handler is in place before, because a broker that knows the session delivers at once.
func (s *Session) open(ctx context.Context, client mqtt.Client, lost <-chan struct{}) (present bool, err error) {
	token := client.Connect()
	if err := wait(ctx, token, lost); err != nil {
		return false, fmt.Errorf("connect to broker: %w", err)
	}
	if t, ok := token.(*mqtt.ConnectToken); ok {
		present = t.SessionPresent()
	}
	filter := iot.UpFilter(s.ingest.Net())
	subscription := client.Subscribe(filter, 1, nil)
	if err := wait(ctx, subscription, lost); err != nil {
		return present, fmt.Errorf("subscribe to gateways: %w", err)
	}
	if t, ok := subscription.(*mqtt.SubscribeToken); ok && t.Result()[filter] != 1 {
		return present, errors.New("subscribe to gateways: the broker does not grant QoS 1")
	}
	return present, nil
}

func (s *Session) options(lost chan<- struct{}, answers chan<- iot.Outcome) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(s.config.Broker).SetClientID(s.config.ClientID)
	o.SetUsername(s.config.Username).SetPassword(s.config.Password).SetProtocolVersion(4)
	if s.config.TLS != nil {
		o.SetTLSConfig(s.config.TLS)
	}
	o.SetCleanSession(false).SetAutoReconnect(false).SetConnectRetry(false)
	o.SetAutoAckDisabled(true).SetOrderMatters(true) // else a goroutine a message, without bound
	o.SetKeepAlive(Keepalive).SetConnectTimeout(ConnectTimeout).SetWriteTimeout(s.config.WriteTimeout)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { s.receive(received{m, answers}) })
	o.SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) })
	return o
}

// receive runs on the client's reading loop and never waits.
func (s *Session) receive(r received) {
	if r.message.Retained() {
		s.ingest.NoteRetained() // a stored copy of something old: not evidence of now
		r.message.Ack()
		return
	}
	select {
	case s.queue <- r:
	default:
		s.overflow.Store(true)
	}
}

// work commits messages. One that cannot be committed is tried again until it can: it holds
// a worker, the queue fills, and the broker stops sending, which is the back-pressure wanted.
func (s *Session) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-s.queue:
			outcome, ok := s.commit(ctx, r.message)
			if !ok {
				return
			}
			s.finish(r, outcome)
		}
	}
}

func (s *Session) commit(ctx context.Context, m mqtt.Message) (iot.Outcome, bool) {
	for failures := 1; ; failures++ {
		outcome, err := s.ingest.Accept(ctx, iot.Origin{Topic: m.Topic()}, m.Payload())
		if err == nil {
			return outcome, true
		}
		if !pause(ctx, backoff(min(failures, 5))) {
			return iot.Outcome{}, false
		}
	}
}

// finish answers and acknowledges the very object that was received: on a dead connection
// that does nothing, and the broker sends the message again.
func (s *Session) finish(r received, outcome iot.Outcome) {
	if outcome.AnswerTopic != "" {
		select {
		case r.answers <- outcome:
		default:
			s.ingest.NoteReplyDropped()
		}
	}
	r.message.Ack()
	if len(s.queue) == 0 && s.overflow.CompareAndSwap(true, false) {
		select {
		case s.redeliver <- struct{}{}:
		default:
		}
	}
}

// send publishes answers, at QoS 0: a lost one is given again when the gateway repeats its message.
func send(ctx context.Context, client mqtt.Client, answers <-chan iot.Outcome) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-answers:
			client.Publish(o.AnswerTopic, 0, false, o.Answer)
		}
	}
}

func wait(ctx context.Context, token mqtt.Token, lost <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	select {
	case <-token.Done():
		return token.Error()
	case <-lost:
		return mqtt.ErrNotConnected
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff doubles with each failure and is drawn from the upper half of its step.
func backoff(failures int) time.Duration {
	step := min(MinBackoff<<min(failures, 10), MaxBackoff)
	return step/2 + rand.N(step/2)
}

// pause waits and says whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
