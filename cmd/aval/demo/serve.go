package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aval/cmd/aval/node"
)

// The folders in that of a demonstration.
const (
	nodeFolder = "node"
	keysFolder = "keys"
)

// Serving is the node of a demonstration that goes on, on the clock of the machine.
type Serving struct {
	URL string `json:"url"`
	// Keys is the folder with each party's key file, Policy what its receipts verify under.
	Keys   string `json:"keys"`
	Policy string `json:"policy"`

	node *node.Node
}

// Reopen opens the node that Run left in the folder data and binds its API, at the usual
// address if that is free. Run serves it.
func Reopen(data string) (*Serving, error) {
	dir := filepath.Join(data, nodeFolder)
	folder, err := node.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	folder.Config.Admin = ""
	n, err := node.Open(folder, node.Options{})
	if err != nil {
		folder.Config.Listen = "127.0.0.1:0"
		if n, err = node.Open(folder, node.Options{}); err != nil {
			return nil, err
		}
	}
	return &Serving{
		URL: "http://" + n.API.String(), Keys: filepath.Join(data, keysFolder), Policy: filepath.Join(dir, node.PolicyFile), node: n,
	}, nil
}

// Run serves until the context ends.
func (s *Serving) Run(ctx context.Context) error { return s.node.Run(ctx) }

// print tells a person what to ask.
func (s *Serving) print(w io.Writer) {
	for _, question := range []string{
		string(supplier) + ".jwk /v1/contracts/invoice:1:shipment:" + warmShipment + "/events",
		string(holderID(0)) + ".jwk '/v1/contracts?kind=flightdelay/1'",
		string(insurer) + ".jwk /v1/accounts",
	} {
		fmt.Fprintf(w, "    aval get --node %s --key %s%c%s\n", s.URL, s.Keys, filepath.Separator, question)
	}
	fmt.Fprintf(w, "The node goes on at %s until it is interrupted. Its files: %s\n", s.URL, filepath.Dir(s.Keys))
}

// saveKeys writes the key of each party, for whoever looks around afterwards.
func (w *world) saveKeys(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for id, p := range w.parties { //tidy:ordered one file for each
		text, err := p.signer.Format()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, string(id)+".jwk"), append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}
