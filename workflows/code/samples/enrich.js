// Facts about a company from another system, by its domain. A 404 is an answer; anything else is tried again later.
exports.main = async (event, callback) => {
  const domain = encodeURIComponent(event.inputFields['domain']);
  const response = await fetch(`${event.inputFields['service']}/v1/companies/${domain}`, {
    headers: { Authorization: `Bearer ${process.env.SERVICE_KEY}`, Accept: 'application/json' },
  });
  if (response.status === 404) return callback({ outputFields: { found: false } });
  if (!response.ok) {
    throw Object.assign(new Error(`The service answered ${response.status}`), { status: response.status });
  }
  const company = await response.json();
  callback({ outputFields: { found: true, employees: company.employees, industry: company.industry } });
};
