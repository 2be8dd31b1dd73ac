package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"aval/domain"
	"aval/domain/canon"
	"aval/iot"
)

// Defaults of a new node: everything on loopback.
const (
	DefaultListen = "127.0.0.1:8420"
	DefaultAdmin  = "127.0.0.1:8421"
	// MaxOrigin bounds a ledger's name, maxConfig a configuration file.
	MaxOrigin = 100
	maxConfig = 1 << 20
)

var originForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[a-z0-9][a-z0-9._-]*)*$`)

// Config is the file config.json of a node's folder. Unknown keys are refused. Zero values
// of the optional parts leave the part out.
type Config struct {
	// Ledger is the origin, written by init and never changed.
	Ledger string `json:"ledger"`
	// Listen is the address of the HTTP API, DefaultListen when empty; Admin that of metrics and
	// pprof, which have no authentication; empty: none.
	Listen string `json:"listen"`
	Admin  string `json:"admin,omitempty"`
	// RequireTLS ends plain HTTP. Without it connections that do not leave the machine may use that; all
	// others speak TLS in any case.
	RequireTLS bool `json:"requireTls,omitempty"`
	// Broker makes this node an MQTT broker for its gateways; Session takes messages from an external broker.
	Broker  *BrokerConfig  `json:"broker,omitempty"`
	Session *SessionConfig `json:"session,omitempty"`
	// Oracle polls flight data for open watches.
	Oracle *OracleConfig `json:"oracle,omitempty"`
	// Witnesses cosign the ledger's heads.
	Witnesses *WitnessesConfig `json:"witnesses,omitempty"`
	// HeadNote is the file with the newest head that the node has signed; empty: head.note in the folder. On
	// another disk it is not restored together with the database.
	HeadNote string `json:"headNote,omitempty"`
	// Hardening leaves out what protects the process.
	Hardening *HardeningConfig `json:"hardening,omitempty"`
	// Peers lets other nodes obtain the ledger's keys; without it nobody can.
	Peers *PeersConfig `json:"peers,omitempty"`
}

// BrokerConfig is the embedded broker.
type BrokerConfig struct {
	Listen string `json:"listen"`
	// TLS serves MQTT over TLS alone, under the key of the API.
	TLS bool `json:"tls,omitempty"`
	// Net is the short name of this ledger in topics, a-z, 0-9 and '-'.
	Net string `json:"net"`
	// AnonymousOrg lets unlisted gateways connect without a password, as of that organisation; for trials.
	AnonymousOrg domain.PartyID `json:"anonymousOrg,omitempty"`
	// Gateways may connect, each under its own client ID with its own password.
	Gateways []GatewayConfig `json:"gateways"`
}

// GatewayConfig is one gateway that may connect. The password is a file's content, so that the
// configuration holds no secret. Here as elsewhere a file's path is relative to the node's folder.
type GatewayConfig struct {
	Org          string `json:"org"`
	ID           string `json:"id"`
	PasswordFile string `json:"passwordFile"`
}

// SessionConfig is a session at an external broker.
type SessionConfig struct {
	// URL is tcp://host:port or ssl://host:port. ClientID is stable: the broker keeps the session under it.
	URL          string `json:"url"`
	Net          string `json:"net"`
	ClientID     string `json:"clientId"`
	Username     string `json:"username,omitempty"`
	PasswordFile string `json:"passwordFile,omitempty"`
}

// OracleConfig is the flight data source.
type OracleConfig struct {
	// URL is the base of an AeroAPI, https or on loopback; empty: the public service. KeyFile holds
	// its API key (empty: none), Source is the registered source's ID.
	URL     string `json:"url"`
	KeyFile string `json:"keyFile,omitempty"`
	Source  string `json:"source"`
}

func writeConfig(dir string, c Config) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, configFile), append(text, '\n'), 0o600)
}

func readConfig(path string) (c Config, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if len(text) > maxConfig {
		return c, fmt.Errorf("%s: %d bytes, limit %d", path, len(text), maxConfig)
	}
	if err := canon.DecodeJSON(text, &c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// check refuses what no part of the node could use, naming the field.
func (c *Config) check() error {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if err := errors.Join(CheckAddress("listen", c.Listen), CheckAddress("admin", c.Admin)); err != nil {
		return err
	}
	if c.Broker != nil && c.Session != nil && c.Broker.Net != c.Session.Net {
		return errors.New("broker.net and session.net: two names for one ledger")
	}
	return errors.Join(c.Broker.check(), c.Session.check(), c.Oracle.check(), c.Witnesses.check(), c.Hardening.check(), c.Peers.check())
}

// CheckAddress wants host:port. Without a host everybody who can reach the machine is served, so
// that must be said, as in 0.0.0.0:8420.
func CheckAddress(field, address string) error {
	if address == "" {
		return nil
	}
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
		return fmt.Errorf("%s %.80q: want host:port, as in %s", field, address, DefaultListen)
	}
	return nil
}

func (c *BrokerConfig) check() error {
	if c == nil {
		return nil
	}
	err := errors.Join(iot.CheckName("broker.net", c.Net), CheckAddress("broker.listen", c.Listen))
	for i, g := range c.Gateways {
		field := fmt.Sprintf("broker.gateways[%d].", i)
		err = errors.Join(err, iot.CheckName(field+"org", g.Org), iot.CheckName(field+"id", g.ID))
		if g.PasswordFile == "" {
			err = errors.Join(err, fmt.Errorf("%spasswordFile: is needed", field))
		}
	}
	return err
}

func (c *SessionConfig) check() error {
	if c == nil {
		return nil
	}
	err := iot.CheckName("session.net", c.Net)
	u, bad := url.Parse(c.URL)
	if bad != nil || u.Scheme != "tcp" && u.Scheme != "ssl" || u.Port() == "" || u.Hostname() == "" || u.User != nil {
		err = errors.Join(err, errors.New("session.url: want tcp://host:port or ssl://host:port"))
	}
	if c.ClientID == "" {
		err = errors.Join(err, errors.New("session.clientId: is needed"))
	}
	return err
}

func (c *OracleConfig) check() error {
	if c == nil {
		return nil
	}
	if err := domain.CheckID("oracle.source", c.Source); err != nil {
		return err
	}
	return nil
}
