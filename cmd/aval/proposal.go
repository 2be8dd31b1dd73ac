package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"aval/api/client"
	"aval/domain"
	"aval/ledger"
)

// action is a command that a proposal holds.
type action struct {
	Name     string `json:"name"`
	Contract string `json:"contract"`
	Body     any    `json:"body"`
}

// proposer sends proposals.
type proposer struct {
	governor
	id   string
	open time.Duration
}

func (p *proposer) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.id, "id", "", "name of the proposal; by default a fresh ULID")
	c.Flags().DurationVar(&p.open, "open", 7*24*time.Hour, "how long members may vote, at most 720h")
	p.governor.flags(c)
}

func (p *proposer) propose(c *cobra.Command, actions ...action) error {
	if p.open <= 0 {
		return fmt.Errorf("--open %v: want more than nothing, as in 168h", p.open)
	}
	if p.id == "" {
		id, err := ulid.New(ulid.Now(), rand.Reader)
		if err != nil {
			return err
		}
		p.id = id.String()
	}
	body := map[string]any{"id": p.id, "actions": actions, "expires": time.Now().Add(p.open).UnixMilli()}
	if !p.printer.asJSON {
		fmt.Fprintf(c.OutOrStdout(), "proposal %s\n", p.id)
	}
	return p.give(c, "propose", p.id, body)
}

func proposeCommand() *cobra.Command {
	var p proposer
	c := &cobra.Command{
		Use: "propose FILE...", Short: "Propose commands that members decide on together", Args: cobra.MinimumNArgs(1),
		Long: `Propose commands of governance, and vote yes. Each FILE ("-" for standard input) holds one JSON object
{"name", "contract", "body"}, as "aval submit" takes it, without "kind". They are given in order, in your
name and all or none, as soon as the constitution's rule is satisfied by the ballots.`,
		Example: `  aval propose --key member.jwk --id limits-1 limits.json`,
		RunE: func(c *cobra.Command, args []string) error {
			actions := make([]action, len(args))
			for i, path := range args {
				if err := readAs(path, &actions[i]); err != nil {
					return err
				}
			}
			return p.propose(c, actions...)
		},
	}
	p.flags(c)
	return c
}

func voteCommand() *cobra.Command {
	var g governor
	c := &cobra.Command{
		Use: "vote PROPOSAL yes|no|veto", Short: "Vote on a proposal, or change your vote", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return g.give(c, "vote", args[0], map[string]string{"proposal": args[0], "ballot": args[1]})
		},
	}
	g.flags(c)
	return c
}

func proposalCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "proposal", Short: "List, show and withdraw proposals", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(proposalListCommand(), proposalShowCommand(), proposalWithdrawCommand())
	return c
}

func proposalListCommand() *cobra.Command {
	var g governor
	c := &cobra.Command{
		Use: "list", Short: "List the proposals that you may see, open and decided", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.read(c, func(ctx context.Context, reader *client.Client) error {
				found, err := governed(ctx, reader, "proposal/")
				if err != nil {
					return err
				}
				return g.printer.print(c, ledger.RecordPage{Records: found}, func(w io.Writer) {
					for _, r := range found {
						_, key, _ := r.ID.Split()
						fmt.Fprintf(w, "%s %s\n", key[len("proposal/"):], r.Status)
					}
				})
			})
		},
	}
	g.flags(c)
	return c
}

func proposalShowCommand() *cobra.Command {
	var g governor
	c := &cobra.Command{
		Use: "show PROPOSAL", Short: "Show a proposal with its commands, ballots and count", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := domain.CheckID("proposal", args[0]); err != nil {
				return err
			}
			return g.read(c, func(ctx context.Context, reader *client.Client) error {
				text, err := reader.Get(ctx, "/v1/contracts/"+url.PathEscape(string(domain.NewRecordID(domain.GovernanceKind, "proposal/"+args[0]))))
				if err != nil {
					return err
				}
				var r ledger.RecordView
				if err := json.Unmarshal(text, &r); err != nil {
					return fmt.Errorf("read the node's record: %w", err)
				}
				return g.printer.print(c, r, func(w io.Writer) {
					fields, _ := json.MarshalIndent(r.Fields, "", "  ")
					fmt.Fprintf(w, "proposal %s is %s\n%s\n", args[0], r.Status, fields)
				})
			})
		},
	}
	g.flags(c)
	return c
}

func proposalWithdrawCommand() *cobra.Command {
	var g governor
	c := &cobra.Command{
		Use: "withdraw PROPOSAL", Short: "Take back your own proposal", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return g.give(c, "withdraw", args[0], map[string]string{"proposal": args[0]})
		},
	}
	g.flags(c)
	return c
}

func memberCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "member", Short: "List members, and propose to add or remove one", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(memberListCommand(), memberAddCommand(), memberRemoveCommand())
	return c
}

func memberListCommand() *cobra.Command {
	var g governor
	c := &cobra.Command{
		Use: "list", Short: "List the members, for one of them or an auditor", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return g.read(c, func(ctx context.Context, reader *client.Client) error {
				text, err := reader.Get(ctx, "/v1/contracts/"+string(domain.NewRecordID(domain.GovernanceKind, "roster/members")))
				if err != nil {
					return err
				}
				var r struct {
					Fields struct {
						Members []domain.PartyID `json:"members"`
					} `json:"fields"`
				}
				if err := json.Unmarshal(text, &r); err != nil {
					return fmt.Errorf("read the node's record: %w", err)
				}
				return g.printer.print(c, r.Fields, func(w io.Writer) {
					for _, m := range r.Fields.Members {
						fmt.Fprintln(w, m)
					}
				})
			})
		},
	}
	g.flags(c)
	return c
}

func memberAddCommand() *cobra.Command {
	var p proposer
	var keys []string
	var roles []string
	c := &cobra.Command{
		Use: "add PARTY", Short: "Propose a new party as a member", Args: cobra.ExactArgs(1),
		Long: `Propose to register PARTY as a member with the keys of --member-key, each a file that "aval key show --json"
wrote. Give at least two, and keep one of them elsewhere: the others need the party's vote. A party that is
registered already becomes a member by "setRoles" (see aval propose).`,
		Example: `  aval member add globex --key acme.jwk --member-key globex.json --member-key globex-spare.json`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(keys) == 0 {
				return errors.New("--member-key FILE is needed: a member without a key could never vote")
			}
			registered := []any{}
			for _, path := range keys {
				key, err := readPublicKey(path)
				if err != nil {
					return err
				}
				registered = append(registered, key)
			}
			return p.propose(c, action{"registerParty", args[0], map[string]any{
				"party": args[0], "roles": append([]string{string(domain.RoleMember)}, roles...), "keys": registered}})
		},
	}
	c.Flags().StringArrayVar(&keys, "member-key", nil, "file with the public half of a key of the new member; repeatable")
	c.Flags().StringSliceVar(&roles, "roles", nil, "further roles, separated by commas")
	p.flags(c)
	return c
}

func memberRemoveCommand() *cobra.Command {
	var p proposer
	roles := []string{}
	c := &cobra.Command{
		Use: "remove PARTY", Short: "Propose that a party is a member no longer", Args: cobra.ExactArgs(1),
		Long: `Propose to take role member from PARTY, which stays registered with the roles of --roles and no others.
Of three and more members it has no say in the matter.`,
		RunE: func(c *cobra.Command, args []string) error {
			return p.propose(c, action{"setRoles", args[0], map[string]any{"party": args[0], "roles": roles}})
		},
	}
	c.Flags().StringSliceVar(&roles, "roles", []string{}, "roles that it keeps, separated by commas")
	p.flags(c)
	return c
}
