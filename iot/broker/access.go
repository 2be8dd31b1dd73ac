package broker

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"fmt"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"aval/domain"
	"aval/iot"
)

// credential is what a listed gateway must show. The digest makes comparisons of one length.
type credential struct {
	org         string
	certificate bool
	password    [32]byte
}

func credentials(c Config) (map[string]credential, error) {
	if len(c.Clients) > MaxClients {
		return nil, fmt.Errorf("broker: %d clients, limit %d", len(c.Clients), MaxClients)
	}
	if c.AnonymousOrg != "" {
		if err := iot.CheckName("org", string(c.AnonymousOrg)); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
	}
	all := map[string]credential{}
	for _, client := range c.Clients {
		if err := checkClient(client); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
		if _, twice := all[client.Gateway]; twice {
			return nil, fmt.Errorf("broker: gateway %q listed twice", client.Gateway)
		}
		all[client.Gateway] = credential{
			org: string(client.Org), certificate: client.Password == "", password: sha256.Sum256([]byte(client.Password)),
		}
	}
	return all, nil
}

func checkClient(c Client) error {
	if err := checkGateway(c.Gateway); err != nil {
		return err
	}
	return iot.CheckName("org", string(c.Org))
}

// checkGateway also refuses the library's own client ID: a second client of that name would
// take over the session through which answers go out.
func checkGateway(name string) error {
	if name == mqtt.InlineClientId {
		return domain.Refuse(domain.NotPermitted, "gateway %q: the name is reserved", name)
	}
	return iot.CheckName("gateway", name)
}

// organisation gives whose gateway a connected client is.
func (b *Broker) organisation(gateway string) (string, bool) {
	if c, listed := b.clients[gateway]; listed {
		return c.org, true
	}
	return b.anonymous, b.anonymous != ""
}

// authenticate decides who may connect. One client ID belongs to one credential, so nobody can
// take over another's session.
func (b *Broker) authenticate(cl *mqtt.Client, pk packets.Packet) bool {
	if checkGateway(cl.ID) != nil || !b.mayLeave(cl) {
		return false
	}
	c, listed := b.clients[cl.ID]
	if !listed {
		return b.anonymous != ""
	}
	if c.certificate {
		return commonName(cl) == cl.ID
	}
	given := sha256.Sum256(pk.Connect.Password)
	return string(pk.Connect.Username) == cl.ID && subtle.ConstantTimeCompare(given[:], c.password[:]) == 1
}

// mayLeave refuses a will that is not the gateway's own state: the library sends wills past
// access control.
func (b *Broker) mayLeave(cl *mqtt.Client) bool {
	will := cl.Properties.Will
	if will.Flag == 0 {
		return true
	}
	topic, err := iot.ParseTopic(will.TopicName)
	return err == nil && !will.Retain && topic.Class == iot.States && b.owns(cl.ID, topic)
}

func (b *Broker) owns(gateway string, t iot.Topic) bool {
	org, known := b.organisation(gateway)
	return known && t.Gateway == gateway && t.Org == org && t.Net == b.ingest.Net()
}

// allowed is the whole access control: publish own up, read own dn.
func (b *Broker) allowed(cl *mqtt.Client, topic string, write bool) bool {
	if !write {
		org, known := b.organisation(cl.ID)
		return known && iot.IsDown(topic, b.ingest.Net(), org, cl.ID)
	}
	t, err := iot.ParseTopic(topic)
	return err == nil && b.owns(cl.ID, t)
}

// commonName is that of the verified client certificate, empty without one.
func commonName(cl *mqtt.Client) string {
	conn, ok := cl.Net.Conn.(*tls.Conn)
	if !ok {
		return ""
	}
	state := conn.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return ""
	}
	return state.VerifiedChains[0][0].Subject.CommonName
}
