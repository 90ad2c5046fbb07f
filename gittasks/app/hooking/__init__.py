"""Git hooks: putting our lines beside other people's and taking them out again, and what each hook does.

places       where a hook of each event goes in this clone, whoever manages its hooks
installing   install, uninstall, what is installed
proving      running what is installed, to see that the user's own hooks still run
checking     pre-commit and pre-push: task files in an index or in commits that are pushed
arriving     post-checkout
trailers     prepare-commit-msg and commit-msg
aftermath    post-commit, post-merge and post-rewrite
"""
