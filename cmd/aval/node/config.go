package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"aval/domain"
	"aval/domain/canon"
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
	// Listen is the address of the HTTP API, Admin that of metrics and pprof; empty Admin: none.
	Listen string `json:"listen"`
	Admin  string `json:"admin,omitempty"`
	// Broker makes this node an MQTT broker for its gateways; Session takes messages from an external broker.
	Broker  *BrokerConfig  `json:"broker,omitempty"`
	Session *SessionConfig `json:"session,omitempty"`
	// Oracle polls flight data for open watches.
	Oracle *OracleConfig `json:"oracle,omitempty"`
}

// BrokerConfig is the embedded broker.
type BrokerConfig struct {
	Listen string `json:"listen"`
	// Net is the short name of this ledger in topics, a-z, 0-9 and '-'.
	Net string `json:"net"`
	// AnonymousOrg lets unlisted gateways connect without a password, as of that organisation; for trials.
	AnonymousOrg domain.PartyID `json:"anonymousOrg,omitempty"`
	// Gateways may connect, each under its own client ID with its own password.
	Gateways []GatewayConfig `json:"gateways"`
}

// GatewayConfig is one gateway that may connect. The password is a file's content, so that the configuration holds no secret.
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
	// URL is the base of an AeroAPI, KeyFile holds its API key (empty: none), Source is the registered source's ID.
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
	return c, nil
}
