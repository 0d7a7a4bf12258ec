package main

import (
	"fmt"
	"text/tabwriter"

	"engram/httpapi/keys"

	"github.com/spf13/cobra"
)

func (c *console) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make, list and revoke the API keys of a server",
		Long: "Key keeps a file of API keys, which engram serve --keys asks. It has hashes in place of the keys. A server\n" +
			"follows the file: keys that are made and revoked count at once.",
	}
	cmd.AddCommand(c.keyCreateCommand(), c.keyListCommand(), c.keyRevokeCommand())
	return cmd
}

// keysFlag adds the flag that names the file.
func keysFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "keys", "keys.json", "`file` of keys")
}

func (c *console) keyCreateCommand() *cobra.Command {
	var file, role string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a key and print it",
		Long: "Create prints a new key: this once, as the file has its hash alone. A key with the role read may search and see\n" +
			"items, one with write may also put and delete items, one with admin may also create and drop collections and\n" +
			"read the server's metrics from elsewhere.",
		Example: "  engram key create page\n  engram key create loader --role write --keys /etc/engram/keys.json",
		Args:    oneArgument("the name of a key"),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := keys.ParseRole(role)
			if err != nil {
				return err
			}
			secret, err := keys.Create(file, args[0], r)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.stdout, secret)
			return nil
		},
	}
	keysFlag(cmd, &file)
	cmd.Flags().StringVar(&role, "role", string(keys.Read), "what the key may do: read, write or admin")
	return cmd
}

func (c *console) keyListCommand() *cobra.Command {
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the names and roles of keys",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			list, err := keys.List(file)
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(list)
			}
			table := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
			for _, key := range list {
				fmt.Fprintf(table, "%s\t%s\t%s\n", printable(key.Name), key.Role, key.Created.Format("2006-01-02 15:04"))
			}
			return table.Flush()
		},
	}
	keysFlag(cmd, &file)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *console) keyRevokeCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Take a key away, also from a server that is running",
		Args:  oneArgument("the name of a key"),
		RunE: func(_ *cobra.Command, args []string) error {
			return keys.Revoke(file, args[0])
		},
	}
	keysFlag(cmd, &file)
	return cmd
}
