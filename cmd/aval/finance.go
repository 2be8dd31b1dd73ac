package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aval/contracts/invoice"
	"aval/contracts/invoice/fingerprint"
	"aval/contracts/invoice/interest"
	"aval/domain"
)

func financeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "finance", Short: "Offer, accept and pay out money on approved invoices",
		Long: `Money on approved invoices, before buyers pay. Each command sends one command to a node, says what
happened, and what is awaited next and from whom. docs/guide-financiers.md walks through them.`,
	}
	c.AddCommand(programmeCommand(), inviteCommand(), drawCommand(), offerCommand(),
		onOffer("accept", "take", "Accept an offer, as supplier: the receivable is that financier's alone from then on"),
		onOffer("retract", "retract", "Take back an offer that nobody accepted, as financier"),
		onReceivable("advance", "advance", "Pay out the advance, as the financier that reserved"),
		onReceivable("notify", "notify", "Tell the buyer to pay you from now on, as financier"),
		onReceivable("recourse", "recourse", "Give a claim back to its supplier, who has to repay, as financier"),
		onReceivable("repay", "repay", "Pay back what was demanded, to the day, as supplier"),
		onReceivable("remit", "remit", "Hand on what you got outside beyond your claim, as financier"),
		financeShowCommand(), registryCommand())
	return c
}

// pricing are the flags of a price.
type pricing struct {
	price invoice.Price
	basis string
	fee   int64
	repay int64
}

func (p *pricing) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.price.AdvancePercent, "advance", "80", "percent of what is due that is paid out at once")
	c.Flags().StringVar(&p.price.Percent, "rate", "", "percent a year on the advance, by --basis")
	c.Flags().StringVar(&p.basis, "basis", string(interest.Act360), "how a year is counted: ACT/360 or ACT/365")
	c.Flags().Int64Var(&p.fee, "fee", 0, "flat fee in minor units (cents)")
	c.Flags().BoolVar(&p.price.Notify, "notify", false, "tell the buyer at once to pay the financier")
	c.Flags().Int64Var(&p.price.OverdueDays, "overdue-days", 0, "days after the due day at which recourse may be taken; 0: the buyer's default is the financier's loss")
	c.Flags().Int64Var(&p.repay, "repay-days", 10, "days that the supplier has to repay after recourse")
}

func (p *pricing) read() invoice.Price {
	p.price.Basis, p.price.Flat, p.price.RepayMillis = interest.Basis(p.basis), p.fee, domain.Millis(p.repay)*invoice.Day
	return p.price
}

func programmeCommand() *cobra.Command {
	var d deed
	var p pricing
	var currency string
	var limit int64
	var buyers, suppliers map[string]int64
	c := &cobra.Command{
		Use: "programme ID", Short: "Set up what you put up, for whom, and at which limits, as financier", Args: cobra.ExactArgs(1),
		Long: `Set up or change a programme: how much of your money may be out at one time, and how much of it for
each buyer and each supplier, in minor units. Limits count when a supplier accepts. With --rate the programme has a
standing price at which every supplier of it may draw: reverse factoring. Without it, each deal is priced by an offer.`,
		Example: "  aval finance programme p-1 --currency EUR --limit 50000000 --buyer buyer=50000000 --supplier supplier=20000000 --key factor.jwk",
		RunE: func(c *cobra.Command, args []string) error {
			body := invoice.Putting{Currency: domain.Currency(currency), Limit: limit, Buyers: lines(buyers), Suppliers: lines(suppliers)}
			if p.price.Percent != "" {
				price := p.read()
				body.Standing = &price
			}
			return d.do(c, args[0], "programme", body, "programme/"+args[0])
		},
	}
	c.Flags().StringVar(&currency, "currency", "EUR", "currency of the programme")
	c.Flags().Int64Var(&limit, "limit", 0, "most that is out at one time, in minor units")
	c.Flags().StringToInt64Var(&buyers, "buyer", nil, "BUYER=LIMIT, again for each")
	c.Flags().StringToInt64Var(&suppliers, "supplier", nil, "SUPPLIER=LIMIT, again for each")
	p.flags(c)
	d.flags(c)
	return c
}

func inviteCommand() *cobra.Command {
	var d deed
	var financiers []string
	c := &cobra.Command{
		Use: "invite INVOICE", Short: "Ask financiers about an approved invoice, as supplier", Args: cobra.ExactArgs(1),
		Long: `Ask financiers for offers. They are shown a fingerprint of the receivable and its status, and no number,
amount, buyer or date. If the agreement names a registry, it is asked first for the fingerprint.`,
		RunE: func(c *cobra.Command, args []string) error {
			body := invoice.Inviting{Seed: newSeed()}
			for _, f := range financiers {
				body.Financiers = append(body.Financiers, domain.PartyID(f))
			}
			return d.do(c, args[0], "invite", body, "receivable/"+args[0])
		},
	}
	c.Flags().StringSliceVar(&financiers, "financier", nil, "a financier to ask, again for each")
	d.flags(c)
	return c
}

// newSeed is the chance from which a fingerprint is asked for; the ledger keeps it, so nobody else has to.
func newSeed() []byte {
	seed := make([]byte, fingerprint.SeedBytes)
	_, _ = rand.Read(seed) // never fails: crypto/rand ends the program instead
	return seed
}

func drawCommand() *cobra.Command {
	var d deed
	var programme string
	c := &cobra.Command{
		Use: "draw INVOICE", Short: "Take a programme's standing price for an approved invoice, as supplier", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return d.do(c, args[0], "draw", invoice.Drawing{Programme: programme, Seed: newSeed()}, "receivable/"+args[0])
		},
	}
	c.Flags().StringVar(&programme, "programme", "", "the programme")
	d.flags(c)
	return c
}

func offerCommand() *cobra.Command {
	var d deed
	var p pricing
	var mark, programme string
	var stands time.Duration
	c := &cobra.Command{
		Use: "offer ID", Short: "Name a price for a receivable that you know by its fingerprint, as financier", Args: cobra.ExactArgs(1),
		Long: `Name a price in rates: what share is paid out at once, what it costs a year, a flat fee. Your competitors do
not see it. What is due, and when, you learn if the supplier accepts.`,
		Example: "  aval finance offer o-1 --fingerprint 5d0c... --programme p-1 --advance 80 --rate 6.5 --notify --key factor.jwk",
		RunE: func(c *cobra.Command, args []string) error {
			expires := domain.Millis(time.Now().Add(stands).UnixMilli())
			return d.do(c, args[0], "offer", invoice.Offering{Fingerprint: mark, Programme: programme, Price: p.read(), ExpiresAt: expires}, "offer/"+args[0])
		},
	}
	c.Flags().StringVar(&mark, "fingerprint", "", "the fingerprint, 64 hexadecimal digits")
	c.Flags().StringVar(&programme, "programme", "", "your programme whose limits count")
	c.Flags().DurationVar(&stands, "stands", 24*time.Hour, "how long the offer stands")
	p.flags(c)
	d.flags(c)
	return c
}

// onOffer is a command without a body on an offer, onReceivable one on a receivable, named by its invoice.
func onOffer(use, name, short string) *cobra.Command {
	return bare(use+" OFFER", name, short, "offer/")
}

func onReceivable(use, name, short string) *cobra.Command {
	return bare(use+" INVOICE", name, short, "receivable/")
}

func bare(use, name, short, class string) *cobra.Command {
	var d deed
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return d.do(c, args[0], name, struct{}{}, class+args[0])
		},
	}
	d.flags(c)
	return c
}

func financeShowCommand() *cobra.Command {
	var d deed
	c := &cobra.Command{
		Use: "show INVOICE|offer/ID|programme/ID|fingerprint/HEX", Short: "Show what you may see of a financing, and what is awaited from whom", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key := args[0]
			if !strings.Contains(key, "/") {
				key = "receivable/" + key
			}
			return d.look(c, key)
		},
	}
	d.flags(c)
	return c
}

// lines gives limits in the order of their parties.
func lines(limits map[string]int64) []invoice.Line {
	var all []invoice.Line
	for _, party := range sortedNames(limits) {
		all = append(all, invoice.Line{Party: domain.PartyID(party), Limit: limits[party]})
	}
	return all
}

func millisText(at domain.Millis) string { return time.UnixMilli(int64(at)).UTC().Format(time.RFC3339) }

func moneyText(minor int64, currency domain.Currency) string {
	return fmt.Sprint(domain.Money{Minor: minor, Currency: currency})
}
