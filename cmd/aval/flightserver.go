package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"

	"aval/cmd/aval/node"
	"aval/oracle/bts"
	"aval/oracle/flightserver"
)

// flightOptions are the flags of the flight server.
type flightOptions struct {
	data, airports, listen, at, keyFile, faults string
	printer                                     printer
}

func flightserverCommand() *cobra.Command {
	var o flightOptions
	c := &cobra.Command{
		Use: "flightserver --data CSV --airports CSV", Short: "Serve recorded flights in the shape of AeroAPI", Args: cobra.NoArgs,
		Long: `Serve recorded flights over HTTP in the shape of FlightAware AeroAPI 4, as they would have
been told at each moment. CSV has the columns of the US BTS on-time data, .gz allowed.
Its clock starts at --at, by default three days after the last scheduled arrival, and runs
from there. --faults 429=10,500=25 makes every tenth request meet a 429 and every
twenty-fifth a 500, for testing a client.`,
		RunE: func(c *cobra.Command, _ []string) error { return o.serve(c) },
	}
	c.Flags().StringVar(&o.data, "data", "", "flights, BTS columns (required)")
	c.Flags().StringVar(&o.airports, "airports", "", "airports with iata, icao, iana_zone (required)")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8430", "address to listen on")
	c.Flags().StringVar(&o.at, "at", "", "start of the server's clock, RFC 3339")
	c.Flags().StringVar(&o.keyFile, "key-file", "", "file with the API key that requests must carry; none by default")
	c.Flags().StringVar(&o.faults, "faults", "", "NAME=N[,NAME=N...], a fault at every N-th request")
	o.printer.flag(c)
	for _, name := range []string{"data", "airports"} {
		_ = c.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
	return c
}

func (o *flightOptions) serve(c *cobra.Command) error {
	airports, err := bts.ReadAirportsFile(o.airports)
	if err != nil {
		return err
	}
	read, err := bts.ReadFile(o.data, airports)
	if err != nil {
		return err
	}
	if len(read.Flights) == 0 {
		return fmt.Errorf("%s: no usable flight, %d rows unusable", o.data, len(read.Unusable))
	}
	clock, err := o.clock(read.Flights)
	if err != nil {
		return err
	}
	options := flightserver.Options{}
	if options.Faults, err = flightserver.ParsePlan(o.faults); err != nil {
		return err
	}
	if o.keyFile != "" {
		if options.APIKey, err = node.ReadSecret(o.keyFile); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	url := fmt.Sprintf("http://%s/aeroapi", listener.Addr())
	result := map[string]any{"url": url, "flights": len(read.Flights), "unusable": len(read.Unusable), "now": clock().UTC()}
	err = o.printer.print(c, result, func(w io.Writer) {
		fmt.Fprintf(w, "%d flights (%d rows unusable) at %s, its clock at %s\n",
			len(read.Flights), len(read.Unusable), url, clock().UTC().Format(time.RFC3339))
	})
	return errors.Join(err, node.ServeHTTP(c.Context(), listener, flightserver.New(read.Flights, airports, clock, options)))
}

// clock starts at --at, or three days after the last scheduled arrival, and runs at the speed of time.
func (o *flightOptions) clock(flights []bts.Flight) (func() time.Time, error) {
	start := time.Time{}
	if o.at != "" {
		var err error
		if start, err = time.Parse(time.RFC3339, o.at); err != nil {
			return nil, fmt.Errorf("--at %.40q: want RFC 3339, as in 2015-01-02T12:00:00Z", o.at)
		}
	} else {
		for _, f := range flights {
			if in := time.UnixMilli(int64(f.ScheduledIn)); in.After(start) {
				start = in
			}
		}
		start = start.Add(3 * 24 * time.Hour)
	}
	began := time.Now()
	return func() time.Time { return start.Add(time.Since(began)) }, nil
}
