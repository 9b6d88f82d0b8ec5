package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/app"
)

// version is set by the linker; a build from a module proxy knows its own.
var version = ""

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// options are the flags that every command has.
type options struct {
	api, config, tokenFile string
	json                   bool
}

// client returns a client of the daemon that the flags name. It bears the daemon's token
// where the flags lead to one; the daemon says when it wants one.
func (o *options) client() (*api.Client, error) {
	address, tokenFile := o.api, o.tokenFile
	if o.config != "" {
		contact, err := app.ReadContact(o.config)
		if err != nil {
			return nil, &usageError{err}
		}
		if address == "" {
			if address = contact.API; address == "" {
				return nil, usagef("%s: api.listen names no port; give --api with the address that the daemon's log tells", o.config)
			}
		}
		if tokenFile == "" {
			tokenFile = contact.TokenFile
		}
	}
	c, err := api.NewClient(cmp.Or(address, os.Getenv("TRINE_API"), defaultAPI))
	if err != nil {
		return nil, &usageError{err}
	}
	if tokenFile = cmp.Or(tokenFile, os.Getenv("TRINE_TOKEN_FILE")); tokenFile == "" {
		return c, nil
	}
	token, err := app.ReadToken(tokenFile)
	if o.config != "" && errors.Is(err, os.ErrNotExist) {
		return c, nil // for looking none is needed
	}
	if err != nil {
		return nil, &usageError{err}
	}
	return c.WithToken(token), nil
}

// defaultAPI is where the first daemon of trine init listens.
const defaultAPI = "http://127.0.0.1:7001"

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:           "trine",
		Short:         "Bridge funds between an app chain and external chains",
		Long:          "Trine bridges funds between an app chain and external chains.\n\nThree groups of validators check each other: listeners attest what bridges report,\napprovers sign what bridges are told, and a processor orders both.",
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&o.config, "config", "c", "", "a daemon's configuration file, which tells its API address and where its token lies")
	flags.StringVar(&o.api, "api", "", "a daemon's API address (environment: TRINE_API; default "+defaultAPI+")")
	flags.StringVar(&o.tokenFile, "token-file", "", "file with the daemon's token, DATA_DIR/api.token, which its operator's commands need (environment: TRINE_TOKEN_FILE)")
	flags.BoolVar(&o.json, "json", false, "print one JSON value instead of a table")
	root.AddGroup(
		&cobra.Group{ID: "daemon", Title: "Daemons:"},
		&cobra.Group{ID: "setup", Title: "Setting up:"},
		&cobra.Group{ID: "look", Title: "Looking:"},
		&cobra.Group{ID: "act", Title: "Acting:"},
	)
	root.AddCommand(daemonCommands(o)...)
	root.AddCommand(setupCommands(o)...)
	root.AddCommand(lookCommands(o)...)
	root.AddCommand(actCommands(o)...)
	generated(root)
	wrapArgs(root)
	return root
}

// generated adds Cobra's own commands before arguments are looked at, and has them refuse
// words that mean nothing: left to themselves they print some other help and end with 0.
func generated(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if _, rest, err := cmd.Root().Find(args); err != nil || len(rest) > 0 {
					return fmt.Errorf("unknown command %s", strings.Join(args, " "))
				}
				return nil
			}
		}
	}
}

// wrapArgs makes wrong arguments and missing flags usage errors everywhere, so that they exit with 2.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(check(cmd, args), cmd.ValidateRequiredFlags()); err != nil {
				return usagef("%w; see %s --help", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

// requireFlags marks flags that a command cannot do without.
func requireFlags(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the command defines the flag itself
		}
	}
}

// group is a command that only holds others.
func group(id, use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, GroupID: id,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errors.New("unknown command " + args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}
