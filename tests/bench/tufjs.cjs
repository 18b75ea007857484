// npm's tuf-js as a client: tufjs.cjs MODULES METADATA-DIRECTORY URL [TARGET]; MODULES is where `make peers` put it.
// SPDX-License-Identifier: Apache-2.0
const [, , modules, directory, url, target] = process.argv;
const { Updater } = require(`${modules}/tuf-js`);

(async () => {
	const updater = new Updater({ metadataDir: directory, metadataBaseUrl: `${url}/metadata`, targetBaseUrl: `${url}/targets` });
	await updater.refresh();
	if (target && !(await updater.getTargetInfo(target))) throw new Error(`no target '${target}'`);
})().catch((error) => {
	console.error(`tufjs: ${error.message}`);
	process.exit(1);
});
