package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/domain/envelope"
	"aval/oracle/flightserver"
)

// The parties. Their names are canaries: none may stand in clear in any file.
const (
	member   domain.PartyID = "konsortium-nord"
	bank     domain.PartyID = "hansabank-luebeck"
	supplier domain.PartyID = "fjordlaks-bergen"
	buyer    domain.PartyID = "kellermann-feinkost"
	carrier  domain.PartyID = "polarfracht-spedition"
	insurer  domain.PartyID = "zephyr-versicherung"
)

// Devices, gateways and sources of the demonstration.
const (
	netName       = "demo"
	gatewayID     = "gw-polarfracht-7"
	shadowID      = "gw-stranger"
	sourceID      = "aeroapi-demo"
	sourceFamily  = "flightaware"
	holders       = 500
	passwordBytes = 24
)

// start makes a node in dir, with everything it needs on loopback, and runs it. stop ends it.
func start(ctx context.Context, dir string, begin time.Time, flights *flightserver.Server, c *clock, progress io.Writer) (w *world, stop func() error, err error) {
	first, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	c.set(begin)
	founding := node.Founding{Ledger: origin, Member: member, Key: first.Key, Now: c.Now}
	if err := node.Create(ctx, dir, founding); err != nil {
		return nil, nil, err
	}
	folder, err := node.OpenFolder(dir)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 2)
	source, err := serveFlights(ctx, flights, done)
	if err == nil {
		err = configure(folder, source)
	}
	if err != nil {
		cancel()
		return nil, nil, err
	}
	n, err := node.Open(folder, node.Options{Now: c.Now, DriveOracle: true})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	go func() { done <- n.Run(ctx) }()
	w = &world{node: n, clock: c, policy: n.Engine.Policy(), progress: progress, parties: map[domain.PartyID]*party{}}
	_, err = w.join(member, first, transport())
	return w, func() error { cancel(); return errors.Join(<-done, <-done) }, err
}

// serveFlights puts the flight server on loopback and gives the base URL of its API.
func serveFlights(ctx context.Context, flights *flightserver.Server, done chan<- error) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { done <- node.ServeHTTP(ctx, listener, flights) }()
	return fmt.Sprintf("http://%s/aeroapi", listener.Addr()), nil
}

// configure gives the node free ports, a broker with two gateways, and the flight data source.
func configure(folder *node.Folder, source string) error {
	var gateways []node.GatewayConfig
	for org, id := range map[domain.PartyID]string{carrier: gatewayID, member: shadowID} { //tidy:ordered two independent entries
		file := id + ".password"
		if err := os.WriteFile(filepath.Join(folder.Dir, file), []byte(rand.Text()[:passwordBytes]), 0o600); err != nil {
			return err
		}
		gateways = append(gateways, node.GatewayConfig{Org: string(org), ID: id, PasswordFile: file})
	}
	folder.Config.Listen, folder.Config.Admin = "127.0.0.1:0", ""
	folder.Config.Broker = &node.BrokerConfig{Listen: "127.0.0.1:0", Net: netName, Gateways: gateways}
	folder.Config.Oracle = &node.OracleConfig{URL: source, Source: sourceID}
	return nil
}

func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*workers, 2*workers
	return t
}

// registration is the body of registerParty.
type registration struct {
	Party domain.PartyID `json:"party"`
	Roles []domain.Role  `json:"roles"`
	Keys  []domain.Key   `json:"keys"`
}

// enrol registers every party, the device keys and the oracle, and puts money on the accounts.
func (w *world) enrol(ctx context.Context, devices []*sensor) error {
	shared := transport()
	roles := map[domain.PartyID]domain.Role{
		bank: domain.RoleBank, supplier: domain.RoleSupplier, buyer: domain.RoleBuyer, carrier: domain.RoleCarrier, insurer: domain.RoleInsurer,
	}
	ids := []domain.PartyID{bank, supplier, buyer, carrier, insurer}
	for i := range holders {
		roles[holderID(i)] = domain.RolePolicyholder
		ids = append(ids, holderID(i))
	}
	first := w.parties[member]
	for _, id := range ids {
		if _, err := w.newParty(id, shared); err != nil {
			return err
		}
	}
	err := parallel(ctx, len(ids), func(ctx context.Context, i int) error {
		id := ids[i]
		return first.send(ctx, domain.GovernanceKind, string(id), "registerParty", registration{id, []domain.Role{roles[id]}, []domain.Key{w.parties[id].signer.Key}})
	})
	if err != nil {
		return err
	}
	for _, d := range devices {
		body := map[string]any{"device": d.id, "operator": carrier, "gateway": gatewayID, "key": d.signer.Key}
		if err := first.send(ctx, domain.GovernanceKind, d.id, "registerDevice", body); err != nil {
			return err
		}
	}
	body := map[string]any{"source": sourceID, "operator": insurer, "family": sourceFamily, "key": w.node.Folder.Oracle.Key}
	return first.send(ctx, domain.GovernanceKind, sourceID, "registerSource", body)
}

func holderID(i int) domain.PartyID { return domain.PartyID(fmt.Sprintf("reisende-%03d", i+1)) }

// issue lets the bank put money on an account, against what it holds outside.
func (w *world) issue(ctx context.Context, to domain.PartyID, amount domain.Money) error {
	body := map[string]any{"to": to, "amount": amount, "reference": "opening balance"}
	return w.parties[bank].send(ctx, domain.CashKind, string(bank), "issue", body)
}
